import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Lab } from './lab.ts'
import { until } from './machine/run.ts'

/** One line the product printed. `at` is milliseconds since the epoch. */
export interface ToolLine {
  readonly at: number
  readonly stream: 'stdout' | 'stderr'
  readonly text: string
}

/** How a run of the product ended; the code is null where a signal ended it. */
export interface ToolEnd {
  readonly code: number | null
  readonly began: number
  readonly ended: number
  readonly lines: readonly ToolLine[]
}

/** A run of the product. */
export interface ToolRun {
  readonly pid: number
  readonly began: number
  readonly ended: Promise<ToolEnd>
  /** Resolves with the first line that has the text in it; rejects when the run ends without one. */
  seen(text: string, timeoutMs?: number): Promise<ToolLine>
  signal(name: NodeJS.Signals): void
}

/** Where and as whom the product runs. */
export interface ToolOptions {
  /** A place of the lab; default: the operator's host. */
  readonly place?: string
  /** A kubeconfig of the lab by its name: `vip`, `admin`; default `vip`. */
  readonly kubeconfig?: string
}

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Nothing the product does may take longer than this, in milliseconds. */
const patienceMs = 300_000

/**
 * Starts the product from this checkout in a place, with a home of its own in the lab's folder and the project as working folder, so that
 * `examples/home.yaml` means what it says.
 */
export const startTool = (lab: Lab, args: readonly string[], { place = 'adm', kubeconfig = 'vip' }: ToolOptions = {}): ToolRun => {
  const home = lab.state.at('home', place)
  mkdirSync(home, { recursive: true })
  const [program = '', ...rest] = lab.argvIn(place, [process.execPath, `${root}bin/kubectl-calico_fw.js`, ...args])
  const began = Date.now()
  const lines: ToolLine[] = []
  const child = spawn(program, rest, {
    cwd: root,
    env: { PATH: process.env['PATH'], HOME: home, USER: 'operator', KUBECONFIG: lab.state.at('pki', `${kubeconfig}.kubeconfig`), NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: patienceMs,
    killSignal: 'SIGKILL',
  })
  for (const stream of ['stdout', 'stderr'] as const)
    createInterface({ input: child[stream] }).on('line', (text) => lines.push({ at: Date.now(), stream, text }))
  let over = false
  const ended = new Promise<ToolEnd>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      over = true
      resolve({ code, began, ended: Date.now(), lines })
    })
  })
  return {
    pid: child.pid ?? -1,
    began,
    ended,
    seen: async (text, timeoutMs = patienceMs) => {
      const find = () => lines.find((line) => line.text.includes(text))
      const { answer } = await until(`the product to print "${text}"`, async () => find() ?? (over ? 'over' : undefined), timeoutMs, 5)
      if (answer === 'over') throw new Error(`the product ended without printing "${text}"; its last lines:\n${tail(lines)}`)
      return answer
    },
    signal: (name) => void child.kill(name),
  }
}

/** Runs the product to its end. */
export const runTool = (lab: Lab, args: readonly string[], options?: ToolOptions): Promise<ToolEnd> => startTool(lab, args, options).ended

/** The last lines of a run, for whoever looks for the cause. */
export const tail = (lines: readonly ToolLine[], count = 12): string =>
  lines
    .slice(-count)
    .map(({ text }) => `    ${text}`)
    .join('\n')

/** A run's lines with the seconds since it began. */
export const withSeconds = ({ began, lines }: Pick<ToolEnd, 'began' | 'lines'>): string =>
  lines.map(({ at, text }) => `${((at - began) / 1000).toFixed(1).padStart(6)}  ${text}`.trimEnd()).join('\n')
