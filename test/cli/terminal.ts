import { spawn } from '@lydell/node-pty'
import xterm from '@xterm/headless'

/** A terminal with a program in it. */
export interface TerminalSession {
  /** The screen's lines, without trailing blanks. */
  screen(): string[]
  /** Everything that was ever on it, scrolled off lines included. */
  text(): string
  /** The bytes the program wrote. */
  raw(): string
  /** Types keys. */
  type(keys: string): void
  /** Resolves once the text was shown; rejects with everything that was when it takes too long. */
  shows(text: string | RegExp, ms?: number, where?: () => string): Promise<void>
  /** Makes the window another size. */
  resize(size: Size): void
  /** The exit code. */
  readonly ended: Promise<number>
  /** Closes the window: the program is told SIGHUP, and nothing it writes arrives. */
  close(): void
  kill(): void
}

/** Columns and rows. */
export interface Size {
  readonly cols: number
  readonly rows: number
}

/** Runs a program in a pseudo-terminal, of 80 by 24 unless told, and keeps its screen. */
export const openTerminal = (
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  size: Size = { cols: 80, rows: 24 },
): TerminalSession => {
  const terminal = new xterm.Terminal({ ...size, scrollback: 5000, allowProposedApi: true })
  const child = spawn(file, [...args], {
    ...size,
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', TERM: 'xterm-256color', ...env },
  })
  const waiters = new Set<() => void>()
  let code: number | undefined
  const wake = (): void => {
    for (const waiter of waiters) waiter()
  }
  let bytes = ''
  child.onData((data) => {
    bytes += data
    terminal.write(data, wake)
  })
  const ended = new Promise<number>((resolve) => {
    child.onExit(({ exitCode }) => {
      // What was written last may still be on its way through the emulator.
      terminal.write('', () => {
        code = exitCode
        resolve(exitCode)
        wake()
      })
    })
  })
  const lines = (): string[] => {
    const { buffer } = terminal
    return Array.from({ length: buffer.active.length }, (_, at) => buffer.active.getLine(at)?.translateToString(true) ?? '')
  }
  const text = (): string => lines().join('\n')
  return {
    screen: () => lines().slice(-terminal.rows),
    text,
    raw: () => bytes,
    type: (keys) => child.write(keys),
    shows: (wanted, ms = 15_000, where = text) =>
      new Promise((resolve, reject) => {
        const found = (): boolean => (typeof wanted === 'string' ? where().includes(wanted) : wanted.test(where()))
        const stop = (): void => {
          clearTimeout(timer)
          waiters.delete(check)
        }
        const check = (): void => {
          if (found()) {
            stop()
            resolve()
          } else if (code !== undefined) {
            stop()
            reject(new Error(`the program ended with ${code} and never showed ${wanted}:\n${text()}`))
          }
        }
        const timer = setTimeout(() => {
          stop()
          reject(new Error(`${wanted} did not show within ${ms} ms:\n${text()}`))
        }, ms)
        waiters.add(check)
        check()
      }),
    resize: ({ cols, rows }) => {
      terminal.resize(cols, rows)
      child.resize(cols, rows)
    },
    ended,
    close: () => (child as unknown as { destroy(): void }).destroy(),
    kill: () => child.kill('SIGKILL'),
  }
}
