import type { KubeObject } from '../calico/object.ts'
import { resourceOf, v3 } from '../calico/resources.ts'
import type { GlobalNetworkPolicy, HostEndpoint } from '../calico/shapes.ts'
import type { Api } from '../cluster/api.ts'
import { sectionsOf } from '../cluster/kubeconfig/sections.ts'
import type { NodeShell } from '../cluster/pods/node-shell.ts'
import { FwError } from '../errors.ts'
import type { Facts, NodeFacts } from '../firewall/facts/facts.ts'
import type { Realised, RolloutPorts } from '../rollout/ports.ts'
import { type Sign, type Standing, signsOn } from './expected.ts'
import { felixScript } from './felix-script.ts'
import { felixState, type History } from './felix-state.ts'
import { mapPooled } from './pool.ts'

/** What looking for what Felix has programmed needs. */
export interface RealisedContext {
  readonly api: Pick<Api, 'list'>
  readonly shell: NodeShell
  readonly facts: Pick<Facts, 'nodes' | 'felixPeers' | 'calico' | 'felixConfigurations' | 'components'>
  /** At most this many nodes a look; 64 unless told. */
  readonly limit?: number
  /** Milliseconds for a node; 6,000 unless told. */
  readonly timeoutMs?: number
}

type Watched = NodeFacts & { readonly calicoNode: NonNullable<NodeFacts['calicoNode']> }

/** Peers asked from one node: enough to tell a node that is cut off from one API server that is down. */
const peersAsked = 3
const concurrency = 8

/** Felixes asked how they do in one round. */
const inOneRound = 8
/** Nodes looked into where each look costs a pod. */
const mostPods = 8

/**
 * Looks at what Felix really has in the packet filter and at how it does, for rollout's ports of these names. They share what was seen of each Felix's starts,
 * so that one that ends again and again is told from one that was restarted once.
 */
export const createRealised = (context: RealisedContext): Required<Pick<RolloutPorts, 'realised' | 'felixes'>> => {
  const history: History = new Map()
  const standing = new WeakMap<readonly KubeObject[], Promise<Standing>>()
  const pods = new Map<string, string>()
  const watched = context.facts.nodes.filter((node): node is Watched => node.operatingSystem === 'linux' && node.calicoNode !== undefined)
  const ready = watched.filter((node) => node.ready)
  let turn = 0
  return {
    realised: async (objects, signal) => {
      signal.throwIfAborted()
      // Looks at the same write ask the API once: what is expected of it does not change while it is waited for.
      const known = standing.get(objects) ?? readStanding(context.api, objects, signal)
      standing.set(objects, known)
      known.catch(() => standing.delete(objects))
      const present = await known
      const signs = new Map(watched.map(({ name }) => [name, context.facts.calico.dataplane === 'bpf' ? [] : signsOn(name, objects, present)]))
      const chosen = chosenOf(watched, signs, context.shell.byPods() ? mostPods : (context.limit ?? 64))
      return mapPooled(chosen, concurrency, (node) => lookAt(node, signs.get(node.name) ?? [], { ...context, history, pods, signal }))
    },
    felixes: async (signal) => {
      // A pod for each look would be a burden, and no look at all.
      if (context.shell.byPods()) return []
      const troubled = ready.filter(({ name }) => history.has(name)).slice(0, inOneRound)
      const next = Array.from({ length: Math.min(inOneRound, ready.length) }, (_, at) => ready[(turn + at) % ready.length])
      turn += inOneRound
      const chosen = [...new Set([...troubled, ...next])].filter((node) => node !== undefined)
      return mapPooled(chosen, concurrency, (node) => lookAt(node, [], { ...context, history, pods, signal }))
    },
  }
}

/** Nodes that must show something; where none must, a share of all. */
const chosenOf = (nodes: readonly Watched[], signs: ReadonlyMap<string, readonly Sign[]>, limit: number): readonly Watched[] => {
  const concerned = nodes.filter(({ name }) => (signs.get(name) ?? []).length > 0)
  const all = concerned.length > 0 ? concerned : nodes
  return all.length <= limit ? all : Array.from({ length: limit }, (_, at) => all[Math.floor((at * all.length) / limit)] as Watched)
}

/** HostEndpoints and policies as they stand; written ones need no asking for. */
const readStanding = async (api: Pick<Api, 'list'>, objects: readonly KubeObject[], signal: AbortSignal): Promise<Standing> => {
  if (objects.length === 0) return { hostEndpoints: [], policies: [] }
  const onlyEndpoints = objects.every(({ kind }) => kind === 'HostEndpoint')
  const list = async (kind: string): Promise<KubeObject[]> => (await api.list(resourceOf(v3, kind), { signal })) ?? []
  const [hostEndpoints, policies] = await Promise.all([onlyEndpoints ? objects : list('HostEndpoint'), list('GlobalNetworkPolicy')])
  return { hostEndpoints: hostEndpoints as HostEndpoint[], policies: policies as GlobalNetworkPolicy[] }
}

interface Look extends RealisedContext {
  readonly history: History
  /** Names of calico-node pods that have replaced those in the facts. */
  readonly pods: Map<string, string>
  readonly signal: AbortSignal
}

const lookAt = async (node: Watched, signs: readonly Sign[], look: Look): Promise<Realised> => {
  const { facts, shell, signal, timeoutMs = 6_000, history, pods } = look
  const hasSets = signs.some(({ what }) => what.startsWith('set '))
  const rules = signs.length === 0 ? 'none' : hasSets ? 'chains and sets' : 'chains'
  const script = felixScript({
    peers: facts.felixPeers.slice(0, peersAsked),
    rules,
    healthPort: healthPortOf(facts),
    metricsPort: portOf(facts, 'prometheusMetricsPort', 9091),
  })
  const ask = (pod: string) =>
    shell.run({ namespace: node.calicoNode.namespace, pod, container: 'calico-node', command: ['bash', '-c', script], timeoutMs, signal })
  try {
    const { stdout } = await ask(pods.get(node.name) ?? node.calicoNode.pod).catch(async (error: unknown) => {
      const replaced = error instanceof FwError && error.code === 'FW_NOT_FOUND' ? await podOn(node, look) : undefined
      if (replaced === undefined) throw error
      pods.set(node.name, replaced)
      return ask(replaced)
    })
    return felixState(node, sectionsOf(stdout), { signs, history, seesProcesses: !shell.byPods() })
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof FwError)) throw error
    return { node: node.name, state: 'unseen', sentence: `nobody can look into ${node.name}: ${error.message}` }
  }
}

/** Where Felix tells how it does: 9099 unless set (9199 on OpenShift), nowhere where that is switched off. */
const healthPortOf = (facts: RealisedContext['facts']): number | undefined =>
  /^(false|0|no|n|f)$/i.test(settingOf(facts, 'healthEnabled') ?? '') ? undefined : portOf(facts, 'healthPort', 9099)

const portOf = (facts: RealisedContext['facts'], name: string, standard: number): number => {
  const port = Number(settingOf(facts, name))
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : standard
}

/** As discovery found it, calico-node's environment first; facts without that have FelixConfiguration default alone. */
const settingOf = ({ components, felixConfigurations }: RealisedContext['facts'], name: string): string | undefined => {
  if (components !== undefined) return components.felixSettings.find((one) => one.name === name)?.value
  const spec = felixConfigurations.find(({ metadata }) => metadata.name === 'default')?.spec as Readonly<Record<string, unknown>> | undefined
  return spec?.[name] === undefined ? undefined : String(spec[name])
}

/** The pod that runs on the node now: a DaemonSet's pods are replaced under new names. */
const podOn = async ({ name, calicoNode }: Watched, { api, signal }: Look): Promise<string | undefined> => {
  const options = { namespace: calicoNode.namespace, fieldSelector: `spec.nodeName=${name}`, signal }
  const pods = (await api.list(resourceOf('v1', 'Pod'), options)) ?? []
  return pods.find(({ metadata, spec }) => {
    const containers = (spec as { containers?: readonly { name: string }[] } | undefined)?.containers ?? []
    return metadata.deletionTimestamp === undefined && metadata.name !== calicoNode.pod && containers.some((one) => one.name === 'calico-node')
  })?.metadata.name
}
