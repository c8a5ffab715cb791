import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Binaries } from './binaries.ts'
import { type LabApi, labApi } from './cluster/api.ts'
import type { ClusterContext } from './cluster/control-plane.ts'
import { hostNamed, type Layout, type NodeHost } from './layout.ts'
import { deleteNamespaces, inNamespace } from './machine/namespaces.ts'
import { killAll } from './machine/processes.ts'
import { type Ran, type RunOptions, tryRun } from './machine/run.ts'
import { type Backend, inSandbox, type Sandbox, sandboxOf } from './machine/sandbox.ts'
import { type RecordedProcess, removeStateDir, type StateDir } from './machine/state.ts'
import type { Variant } from './options.ts'
import type { AgentClient } from './packets/agent-client.ts'
import { agentOf } from './packets/agents.ts'

/** What is written down of a lab when it starts, for the commands that come later. */
export interface LabRecord {
  readonly variant: Variant
  readonly layout: Layout
  readonly binaries: Binaries
}

/** A running lab. */
export interface Lab extends ClusterContext, LabRecord {
  readonly api: LabApi
  /** The agent in a place, by the place's name. */
  agent(place: string): AgentClient
  node(name: string): NodeHost
  sandbox(node: string): Sandbox
  /** The latest process recorded under a name, for example `felix-ws1` or `kube-controller-manager`. */
  process(name: string): RecordedProcess
  /** Runs a program in a place: in a node's sandbox, or with the network of another place. */
  exec(place: string, argv: readonly string[], options?: RunOptions): Promise<Ran>
  /** A program's argv so that it runs in a place. */
  argvIn(place: string, argv: readonly string[]): string[]
}

/** Which iptables the node's programs use. Beside Felix's own nftables it is the nft backend, as on every current distribution. */
export const backendOf = ({ felix }: Pick<Variant, 'felix'>): Backend => (felix === 'legacy' ? 'legacy' : 'nft')

/** Writes the record down. */
export const writeRecord = (state: StateDir, record: LabRecord): void => writeFileSync(state.at('lab.json'), `${JSON.stringify(record, null, 2)}\n`)

/**
 * The lab in a state folder.
 * @throws Error where none is up
 */
export const openLab = (state: StateDir): Lab => {
  if (!existsSync(`${state.path}/lab.json`)) throw new Error('no lab is up: run "npm run lab -- up"')
  const record = JSON.parse(readFileSync(state.at('lab.json'), 'utf8')) as LabRecord
  return labOf(state, record)
}

/** The handle on a lab of a record, once its certificates exist. */
export const labOf = (state: StateDir, record: LabRecord): Lab => {
  const { layout, variant } = record
  const process = (name: string): RecordedProcess => {
    const found = state.journal().processes.findLast((recorded) => recorded.name === name)
    if (found === undefined) throw new Error(`the lab has started no process named ${name}`)
    return found
  }
  const node = (name: string): NodeHost => {
    const found = layout.nodes.find((one) => one.name === name)
    if (found === undefined) throw new Error(`no node named ${name}`)
    return found
  }
  const sandbox = (name: string) => sandboxOf(state, node(name).namespace, process(`node-${name}`), backendOf(variant))
  const argvIn = (place: string, argv: readonly string[]) =>
    layout.nodes.some((one) => one.name === place) ? inSandbox(sandbox(place), argv) : inNamespace(hostNamed(layout, place).namespace, argv)
  let api: LabApi | undefined
  return {
    state,
    ...record,
    get api() {
      api ??= labApi(state)
      return api
    },
    agent: (place) => agentOf(state, hostNamed(layout, place).name),
    node,
    sandbox,
    process,
    argvIn,
    exec: (place, argv, options) => tryRun(argvIn(place, argv), options),
  }
}

/** Stops and deletes everything the journal lists, and then the journal. Safe to repeat. */
export const down = async (state: StateDir): Promise<void> => {
  const { namespaces, processes } = state.journal()
  await killAll(processes)
  await deleteNamespaces(namespaces)
  removeStateDir(state)
}
