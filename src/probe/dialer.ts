import { awakeTimer } from '../cluster/transport/call-signal.ts'
import type { OpenSocket } from '../cluster/transport/network.ts'
import type { ProbeOutcome } from '../firewall/probes/probes.ts'

/** What one attempt saw, in a probe's words. */
export interface Seen {
  readonly outcome: ProbeOutcome
  readonly detail?: string
}

/** How long an attempt may take, in milliseconds in which this process runs, and what ends it early. */
export interface AttemptOptions {
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** Errors of this machine, not of the network between: nothing was asked, so nothing was learnt. EPERM is a local firewall's answer to connect(2). */
const localErrors = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL', 'EPERM', 'EACCES'])

/**
 * One TCP handshake over a new socket, which is closed at once. `refused` is a reset: the host was reached and nobody listens.
 * `failed` is an ICMP error on the way. Rejects with the signal's reason when it aborts.
 */
export const dial = (openSocket: OpenSocket, host: string, port: number, { timeoutMs, signal }: AttemptOptions): Promise<Seen> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const socket = openSocket(host, port)
    const end = (settle: () => void): void => {
      cancel()
      signal.removeEventListener('abort', abort)
      socket.destroy()
      settle()
    }
    const cancel = awakeTimer(timeoutMs, () => end(() => resolve(silence(timeoutMs))))
    const abort = (): void => end(() => reject(signal.reason))
    signal.addEventListener('abort', abort)
    socket.once('connect', () => end(() => resolve({ outcome: 'ok' })))
    // Stays for the socket's whole life: an error after destroy() would otherwise end the process.
    socket.on('error', (error) => end(() => resolve(seenError(error, timeoutMs))))
  })

/** No answer within the time. */
export const silence = (timeoutMs: number): Seen => ({ outcome: 'timeout', detail: `no answer in ${timeoutMs / 1000} s` })

/** What an errno error of a connection attempt says. */
export const seenError = (error: NodeJS.ErrnoException, timeoutMs: number): Seen => {
  const code = error.code ?? error.message
  if (code === 'ECONNREFUSED' || code === 'ECONNRESET') return { outcome: 'refused', detail: code }
  if (code === 'ETIMEDOUT') return silence(timeoutMs)
  return { outcome: localErrors.has(code) ? 'not-run' : 'failed', detail: code }
}
