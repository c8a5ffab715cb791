import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Host } from '../layout.ts'
import { inNamespace } from '../machine/namespaces.ts'
import { isAlive, startRecorded } from '../machine/processes.ts'
import { until } from '../machine/run.ts'
import type { RecordedProcess, StateDir } from '../machine/state.ts'
import { type AgentClient, agentClient } from './agent-client.ts'

// A probe needs no heap to speak of; twenty agents with node's own defaults would.
const frugal = ['--max-old-space-size=48', '--max-semi-space-size=1', '--v8-pool-size=1', '--no-warnings']

/** Bundles the programs that run inside namespaces: node reads them there without the project around. */
export const bundlePrograms = async (state: StateDir): Promise<void> => {
  const source = (name: string) => fileURLToPath(new URL(`./${name}.ts`, import.meta.url))
  await build({
    entryPoints: { agent: source('agent'), forwarder: source('forwarder') },
    outdir: state.at('programs'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  })
}

/** Starts the agent of a place. */
export const startAgent = async (state: StateDir, host: Host): Promise<void> => {
  const socket = socketOf(state, host.name)
  const agent = startRecorded(
    state,
    `agent-${host.name}`,
    inNamespace(host.namespace, [process.execPath, ...frugal, state.at('programs', 'agent.mjs'), socket]),
  )
  await listening(agent, socket)
}

/** The client of a place's agent. */
export const agentOf = (state: StateDir, place: string): AgentClient => agentClient(socketOf(state, place))

/** Starts a TCP proxy in a namespace; both ends are HOST:PORT or unix:PATH. */
export const startForwarder = (state: StateDir, name: string, namespace: string, listen: string, target: string): RecordedProcess =>
  startRecorded(state, name, inNamespace(namespace, [process.execPath, ...frugal, state.at('programs', 'forwarder.mjs'), listen, target]))

const socketOf = (state: StateDir, place: string): string => state.at('socket', `${place}.sock`)

/** The socket's file is there a moment before anybody listens on it: only an answer counts. */
const listening = async (agent: RecordedProcess, socket: string): Promise<void> => {
  await until(
    `${agent.name} to answer`,
    async () => {
      if (!isAlive(agent)) throw new Error(`${agent.name} ended; see log/${agent.name}.log`)
      return existsSync(socket) && (await agentClient(socket).probe([])).length === 0
    },
    15_000,
    15,
  )
}
