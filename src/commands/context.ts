import type { Api } from '../cluster/api.ts'
import type { PodCommand, PodCommandResult, RunInPod } from '../cluster/pods/exec.ts'
import type { Connection } from '../cluster/transport/connection.ts'
import type { OpenSocket } from '../cluster/transport/network.ts'
import type { Workstation } from '../cluster/workstation.ts'
import type { OperatorNetwork } from '../discovery/operator-address.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import type { Probe } from '../firewall/probes/probes.ts'
import type { Clock } from '../rollout/clock.ts'
import type { RolloutPorts } from '../rollout/ports.ts'
import type { Journal } from '../store/journal.ts'
import type { Prompter } from '../ui/prompter.ts'

/** A stream that may be a terminal. */
export type OutputStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number }
/** Where answers come from. */
export type InputStream = NodeJS.ReadableStream & { readonly isTTY?: boolean }
/** Signals a run answers to. */
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** The process, as values: main.ts makes one of the real thing, tests and the demo make their own. */
export interface Context {
  /** The words after the program's name. */
  readonly argv: readonly string[]
  readonly workstation: Workstation
  readonly stdin: InputStream
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly clock: Clock
  readonly openSocket: OpenSocket
  /** All addresses behind a name, as this machine resolves it. */
  readonly lookup: (host: string) => Promise<readonly string[]>
  /** This machine's own addresses, and which of them it would send from. */
  readonly network: Pick<OperatorNetwork, 'localAddressTo' | 'interfaces'>
  /** A short random text, new at each call. */
  readonly random: () => string
  /** Who runs this, for the lock and the checkpoints. */
  readonly who: { readonly user: string; readonly host: string; readonly pid: number }
  /** Replaces a file. Rejects as node:fs does. */
  readonly writeFile: (path: string, text: string) => Promise<void>
  /** A new folder of our own, and how to remove it. */
  readonly temporaryFolder: () => Promise<{ readonly path: string; readonly remove: () => Promise<void> }>
  /** Calls the handler instead of ending the process; returns how to take that back. */
  readonly onSignal: (handler: (signal: StopSignal) => void) => () => void
  /** Real milliseconds for a probe's patience, by what it expects; real time whatever the clock: the demo's runs fast. */
  readonly patience?: (ms: number, expect: Probe['expect']) => number
  /** Milliseconds of controllers' lag that are allowed instead of 5,000: the demo's controllers run in this process, and a busy laptop is no lagging cluster. */
  readonly maxLagMs?: number
  /** Runs a command in a pod, to look into nodes and to probe from them; absent where nodes are only pretended. */
  readonly execInPod?: (connection: Connection, command: PodCommand) => Promise<PodCommandResult>
  /** Nodes are only pretended: they have nothing to look into, and no firewall of their own. */
  readonly pretendsNodes?: true
  /** Answers questions where there is no terminal; the demo and tests bring one. */
  readonly prompter?: Prompter
}

/** The form of what goes to stdout. */
export type OutputFormat = 'text' | 'json' | 'yaml'

/** stdout is data, stderr is talk. */
export interface Printer {
  readonly format: OutputFormat
  /** Text for stdout; nothing in the other formats. */
  data(text: string): void
  /** A line for people, on stderr. */
  talk(text: string): void
  /** One document on stdout with `apiVersion: calico-fw.github.io/v1alpha1` and this kind; nothing in the text format. */
  document(kind: string, fields: Readonly<Record<string, unknown>>): void
}

/** How facts are gathered. */
export interface FactsOptions {
  readonly brokenFailsafes?: 'throw' | 'empty'
  readonly mayStartPods?: boolean
  readonly looks?: number
}

/** The cluster a command works on. */
export interface Cluster {
  /** One keep-alive connection. */
  readonly api: Api
  /** A new connection for every request: what probes use. */
  readonly probeApi: Pick<Api, 'request'>
  /** Absent where nodes are only pretended. */
  readonly runInPod?: RunInPod
  readonly contextName: string
  readonly server: string
  /**
   * Gathers the facts afresh at each call. With `empty`, failsafes Felix cannot read count as none instead of ending it. With `mayStartPods`, nodes where
   * exec is forbidden are looked into by short pods, which are gone when it returns. `looks` is how many nodes are looked into at most: a way back must not
   * wait for many that are dead.
   */
  facts(options?: FactsOptions): Promise<Facts>
  /** Closes what is open. */
  close(): void
}

/** What every command that works on a cluster gets: `export const run = (command: CommandContext, options: XOptions): Promise<ExitCode>`. */
export interface CommandContext {
  readonly context: Context
  readonly cluster: Cluster
  readonly ui: Prompter
  readonly printer: Printer
  readonly journal: Journal
  /** `user@host/pid-random`: holds the lock. */
  readonly holder: string
  /** The command line as typed, `kubectl calico-fw ...`: stands in the checkpoints. */
  readonly commandLine: string
  /** Everything a run touches; who asks and who watches is the caller's. */
  ports(facts: Facts, view: Pick<RolloutPorts, 'ask' | 'report'>): RolloutPorts
}
