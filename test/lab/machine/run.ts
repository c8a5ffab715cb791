import { spawn } from 'node:child_process'

/** How a finished program ended. */
export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** What a program is given beside its arguments. */
export interface RunOptions {
  readonly input?: string
  /** The whole environment; default: ours. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** Milliseconds until it is killed; default 120,000. Nothing in the lab may wait for ever. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** Runs a program to its end and tells how it ended; rejects only where it cannot be started. */
export const tryRun = (argv: readonly string[], options: RunOptions = {}): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const [program = '', ...rest] = argv
    const child = spawn(program, rest, {
      env: options.env ?? process.env,
      cwd: options.cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 120_000,
      killSignal: 'SIGKILL',
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? -1, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }))
    // A program that ends before it has read its input is no error of ours; its exit code says what happened.
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input ?? '')
  })

/** Runs a program that must succeed; returns what it wrote. */
export const run = async (argv: readonly string[], options: RunOptions = {}): Promise<string> => {
  const ran = await tryRun(argv, options)
  if (ran.code !== 0) throw new Error(`${argv.join(' ').slice(0, 400)}: exit ${ran.code}\n${ran.stderr}${ran.stdout}`.trim())
  return ran.stdout
}

/** Milliseconds of sleep. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Asks again and again until the answer is something, and returns it with the milliseconds it took.
 * @throws Error naming `what`, with the last error met, after `timeoutMs`
 */
export const until = async <T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  timeoutMs = 60_000,
  everyMs = 50,
): Promise<{ answer: T; ms: number }> => {
  const began = performance.now()
  let last: unknown
  while (performance.now() - began < timeoutMs) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return { answer, ms: Math.round(performance.now() - began) }
      last = undefined
    } catch (error) {
      last = error
    }
    await pause(everyMs)
  }
  throw new Error(`waited ${timeoutMs / 1000} s for ${what}${last instanceof Error ? `: ${last.message}` : ''}`)
}

/** Runs at most `width` of the tasks at once; results in the order of the items. */
export const inParallel = async <T, R>(width: number, items: readonly T[], task: (item: T, index: number) => Promise<R>): Promise<R[]> => {
  const results: R[] = []
  let next = 0
  const worker = async () => {
    while (next < items.length) {
      const index = next++
      const item = items[index]
      if (item !== undefined) results[index] = await task(item, index)
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker))
  return results
}
