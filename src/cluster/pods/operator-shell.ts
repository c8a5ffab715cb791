import { spawn } from 'node:child_process'
import { FwError } from '../../errors.ts'
import { printable } from '../errors/printable.ts'

/** Milliseconds a script on a node may take, signing in included. */
const patienceMs = 60_000
/** No answer of a script is near this long. */
const maxBytes = 1 << 16

/**
 * Runs a script on a node through the operator's own command, for example `ssh root@ws1`, and returns what it printed. The command asks for a password or a
 * host key on the operator's terminal, as it always does.
 * @throws FwError FW_RESCUE when the command or the script fails, FW_INTERRUPTED
 */
export const runOnNode = (
  command: string,
  script: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<string> => {
  const ends = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])
  return new Promise((resolve, reject) => {
    const child = spawn(`${command} sh -s`, { shell: true, env, stdio: ['pipe', 'pipe', 'pipe'], signal: ends, killSignal: 'SIGKILL' })
    const said = { out: '', err: '' }
    const hear = (stream: keyof typeof said) => (chunk: Buffer) => {
      said[stream] = `${said[stream]}${chunk.toString()}`.slice(0, maxBytes)
    }
    child.stdout.on('data', hear('out'))
    child.stderr.on('data', hear('err'))
    // A command that ends before it has read the script says why by itself.
    child.stdin.on('error', () => undefined)
    child.stdin.end(script)
    const fail = (why: string, cause?: Error) => reject(failed(command, why, signal, cause))
    child.on('error', (error) => fail(ends.aborted ? `it did not end within ${patienceMs / 1000} s` : error.message, error))
    child.on('close', (code) => (code === 0 ? resolve(said.out) : fail(lastLine(said.err) ?? `it ended with exit code ${code}`)))
  })
}

const lastLine = (text: string): string | undefined => printable(text.trim().split('\n').at(-1) ?? '') || undefined

const failed = (command: string, why: string, signal: AbortSignal, cause?: Error): FwError =>
  signal.aborted
    ? new FwError('FW_INTERRUPTED', `"${command}" was stopped; the node may be open already`, {
        fix: 'kubectl calico-fw rescue, by hand',
        ...(cause && { cause }),
      })
    : new FwError('FW_RESCUE', `"${command}" did not open the node`, {
        why,
        fix: 'sign in by hand and run what this prints, as root: kubectl calico-fw rescue',
        ...(cause === undefined ? {} : { cause }),
      })
