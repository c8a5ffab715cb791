import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { runCli } from '../../src/cli.ts'
import type { Context, InputStream, OutputStream } from '../../src/commands/context.ts'
import { hastyPatience } from '../../src/commands/demo-stage.ts'
import { reportError } from '../../src/commands/report-error.ts'
import type { ExitCode } from '../../src/exit-codes.ts'
import { acceleratedClock } from '../../src/simulator/accelerated-clock.ts'
import { type Simulator, type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts'
import type { Prompter } from '../../src/ui/prompter.ts'
import { realClock, until } from '../fixtures/real-time.ts'

/** How one command ended. */
interface Ending {
  readonly code: ExitCode
  readonly stdout: string
  readonly stderr: string
}

/** The whole program in this process, on a simulated cluster. */
export interface Stage {
  readonly simulator: Simulator
  /** Files the program sees besides the kubeconfig, by path; it writes here too. */
  readonly files: Map<string, string>
  /** Runs one command line. */
  run(argv: readonly string[], more?: Partial<Context>): Promise<Ending>
  /** The paths of writes the API was asked for since `from`, dry runs and access reviews aside. */
  writes(from?: number): string[]
  close(): Promise<void>
}

const operator = '192.168.218.170'
const haste = 8

const captured = (): { stream: OutputStream; text: () => string } => {
  const chunks: string[] = []
  const stream = new Writable({
    write: (chunk, _, done) => {
      chunks.push(String(chunk))
      done()
    },
  })
  return { stream, text: () => chunks.join('') }
}

/** Starts a simulated cluster and a machine beside it without a terminal. */
export const openStage = async (options: Partial<SimulatorOptions> = {}): Promise<Stage> => {
  const clock = acceleratedClock(realClock, haste)
  const simulator = await startSimulator({ clock, felix: { lagMs: 200, restartMs: 3_000 }, ...options })
  const state = await mkdtemp(join(tmpdir(), 'calico-fw-test-'))
  const files = new Map([['/kubeconfig', simulator.kubeconfig()]])
  await until('the NodePort of ws1 open', () => simulator.reach('win', 'ws1', 31_110) === 'OPEN')
  const readFile = (path: string): Buffer => {
    const text = files.get(path)
    if (text === undefined) throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: 'ENOENT' })
    return Buffer.from(text)
  }
  return {
    simulator,
    files,
    run: async (argv, more = {}) => {
      const [out, err] = [captured(), captured()]
      const context: Context = {
        argv,
        workstation: {
          env: { KUBECONFIG: '/kubeconfig', XDG_STATE_HOME: state },
          platform: 'linux',
          home: '/nonexistent',
          cwd: '/',
          readFile,
          now: () => Date.now(),
          terminal: { stdin: 0, stderr: 2, isTerminal: false },
        },
        stdin: process.stdin as InputStream,
        stdout: out.stream,
        stderr: err.stream,
        clock,
        openSocket: simulator.openSocket,
        pretendsNodes: true,
        lookup: () => Promise.resolve([]),
        network: { localAddressTo: () => Promise.resolve(operator), interfaces: () => ({ eth0: [{ address: operator }] }) },
        random: () => 'cafe',
        who: { user: 'tester', host: 'adm', pid: 1 },
        writeFile: async (path, text) => void files.set(path, text),
        temporaryFolder: async () => {
          const path = await mkdtemp(join(tmpdir(), 'calico-fw-test-'))
          return { path, remove: () => rm(path, { recursive: true, force: true }) }
        },
        onSignal: () => () => undefined,
        patience: hastyPatience(haste),
        ...more,
      }
      Object.assign(context, more.stdin === undefined ? { stdin: { isTTY: false } as InputStream } : {})
      const code = await runCli(context).catch((error: unknown) => reportError(context, error))
      return { code, stdout: out.text(), stderr: err.text() }
    },
    writes: (from = 0) =>
      simulator.requests
        .slice(from)
        .filter(({ method, path }) => method !== 'GET' && !path.includes('dryRun=All') && !path.includes('/selfsubjectaccessreviews'))
        .map(({ method, path }) => `${method} ${path}`),
    close: async () => {
      await simulator.close()
      await rm(state, { recursive: true, force: true })
    },
  }
}

/** A prompter that must not be asked anything. */
export const nobody: Prompter = {
  interactive: true,
  select: ({ message }) => Promise.reject(new Error(`asked: ${message}`)),
  checkbox: ({ message }) => Promise.reject(new Error(`asked: ${message}`)),
  input: ({ message }) => Promise.reject(new Error(`asked: ${message}`)),
  confirm: ({ message }) => Promise.reject(new Error(`asked: ${message}`)),
  typed: ({ message }) => Promise.reject(new Error(`asked: ${message}`)),
}
