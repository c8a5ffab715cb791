import type { Section } from '../cluster/kubeconfig/sections.ts'
import type { NodeFacts } from '../firewall/facts/facts.ts'
import type { Realised } from '../rollout/ports.ts'
import type { Sign } from './expected.ts'
import { type FelixProcess, processesIn, readinessIn } from './felix-script.ts'
import { programmedIn } from './programmed.ts'

/** What was seen of one node's Felix since it was last seen well. */
interface Trouble {
  /** Process ids with their start. */
  readonly starts: Set<string>
  /** The node's uptime at the first look, in seconds. */
  readonly since: number
}

/** Felixes that were not seen well, by node. */
export type History = Map<string, Trouble>

/** What a look is judged by. */
export interface Judging {
  /** What Felix was to program on the node. */
  readonly signs: readonly Sign[]
  readonly history: History
  /** A short pod sees no process but its own: then Felix's word on its health stands for it. */
  readonly seesProcesses: boolean
}

/** Clock ticks a second, in /proc on every Linux that Kubernetes runs on (USER_HZ). */
const ticks = 100
/** A Felix younger than this has hardly read the cluster yet, in seconds. */
const youngS = 3
/** A restart takes Felix a second; one that is not back after this long, in seconds, will not come. */
const backWithinS = 4

/** What one look says of Felix on a node, and of what it was to program; remembers its start. */
export const felixState = (
  { name: node, calicoNode }: Pick<NodeFacts, 'name' | 'calicoNode'>,
  sections: ReadonlyMap<string, Section>,
  { signs, history, seesProcesses }: Judging,
): Realised => {
  const of = (state: Realised['state'], sentence: string): Realised => ({ node, state, sentence })
  const inPod = (command: string): string => `kubectl exec -n ${calicoNode?.namespace} ${calicoNode?.pod} -c calico-node -- ${command}`
  const logs = `kubectl logs -n ${calicoNode?.namespace} ${calicoNode?.pod} -c calico-node`
  if (!sections.has('felix')) return of('unseen', `the look into ${node} gave no answer`)
  // Without its word on its health nothing of it shows to a short pod: that is no sign that it does not run.
  if (!seesProcesses && !sections.has('readiness')) return of('unseen', `a short pod on ${node} sees nothing of Felix, which reports no health there`)
  const readiness = readinessIn(sections.get('readiness')?.text ?? '')
  const uptime = Number(sections.get('uptime')?.text.split(' ')[0] ?? Number.NaN)
  const [felix] = seesProcesses ? processesIn(sections.get('felix')?.text ?? '') : byHealth(sections.get('readiness'))
  const isYoung = felix === undefined || felix.state === 'Z' || uptime - felix.start / ticks < youngS
  if (isYoung) {
    const trouble = history.get(node) ?? { starts: new Set(), since: uptime }
    history.set(node, trouble)
    if (felix !== undefined) trouble.starts.add(`${felix.pid} ${felix.start}`)
    if (uptime - trouble.since >= backWithinS) {
      return trouble.starts.size > 0
        ? of('crashing', `Felix on ${node} ends as soon as it has started: its log says why, often a failsafe entry it cannot read: ${logs}`)
        : of('down', `Felix does not run on ${node}: ${logs}`)
    }
  } else {
    history.delete(node)
  }
  if (felix === undefined || felix.state === 'Z') return of('restarting', `Felix on ${node} has ended and is not back yet`)
  if (/[Tt]/.test(felix.state)) {
    const remedy = seesProcesses ? `let it go on: ${inPod(`bash -c 'kill -CONT ${felix.pid}'`)}` : `see its log: ${logs}`
    const what = seesProcesses ? 'is stopped by a signal' : 'takes connections to its health port and does not answer: it is stopped or stuck'
    return of('stopped', `Felix on ${node} ${what}: its rules stay and no change arrives; ${remedy}`)
  }
  const peers = [...sections].filter(([name]) => name.startsWith('peer.'))
  if (peers.length > 0 && peers.every(([, { code }]) => code !== 0))
    return of('cut', `Felix on ${node} cannot reach the API (${peers.map(([name]) => peerName(name)).join(', ')}): no change arrives there`)
  const programmed = programmedIn(sections)
  const missing = signs.filter(({ isThere }) => !isThere(programmed)).map(({ what }) => what)
  if (signs.length > 0 && missing.length === 0) return of('programmed', `${node} has it in its packet filter`)
  if (isYoung) return of('restarting', `Felix on ${node} has just started`)
  if (readiness?.ready === false) return of('not-ready', `Felix on ${node} is not ready${readiness.why === undefined ? '' : `: ${readiness.why}`}`)
  if (missing.length === 0) return of('idle', `Felix on ${node} runs; nothing there has to do with this yet`)
  const failures = Number(/^felix_int_dataplane_failures (\S+)$/m.exec(sections.get('metrics')?.text ?? '')?.[1] ?? 0)
  const failing = failures > 0 ? `; it failed ${failures} times to write its packet filter (felix_int_dataplane_failures): ${logs}` : ''
  return of(
    'behind',
    `Felix on ${node} has not programmed ${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ` and ${missing.length - 3} more` : ''}${failing}`,
  )
}

/** Felix as its health port tells it: whoever listens there runs, unless he never answers. Connections are refused where nobody runs. */
const byHealth = (readiness: Section | undefined): FelixProcess[] => {
  if (readiness === undefined || (readiness.code !== 0 && readiness.code !== 124)) return []
  return [{ pid: 0, state: readiness.code === 124 && readiness.text === '' ? 'T' : 'S', start: 0 }]
}

/** `peer.192.168.218.171.6443`, also with IPv6. */
const peerName = (section: string): string => section.replace(/^peer\./, '').replace(/\.(\d+)$/, ':$1')
