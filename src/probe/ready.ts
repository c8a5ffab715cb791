import { request } from 'node:http'
import { connect } from 'node:tls'
import { awakeTimer } from '../cluster/transport/call-signal.ts'
import type { OpenSocket } from '../cluster/transport/network.ts'
import { type AttemptOptions, type Seen, seenError, silence } from './dialer.ts'

/** Whom an API endpoint's certificate must come from. */
export interface Trust {
  /** PEM of the cluster's CA; absent: the system's CAs. */
  readonly ca?: string
  /** The kubeconfig's `insecure-skip-tls-verify`. */
  readonly insecure?: boolean
  /** The kubeconfig's `tls-server-name`, sent as SNI. */
  readonly serverName?: string
}

/**
 * A new TCP connection, a new TLS session and `GET /readyz` without credentials at one API endpoint. The chain is verified; the name is not,
 * since certificates seldom list every address that leads to the API, and nothing secret is sent. 401 and 403 are the API's own answers
 * where anonymous requests are off, so they count as reached. Rejects with the signal's reason when it aborts.
 */
export const askReady = (openSocket: OpenSocket, host: string, port: number, trust: Trust, options: AttemptOptions): Promise<Seen> =>
  new Promise((resolve, reject) => {
    const { timeoutMs, signal } = options
    signal.throwIfAborted()
    const tcp = openSocket(host, port)
    const tls = connect({
      socket: tcp,
      rejectUnauthorized: trust.insecure !== true,
      checkServerIdentity: () => undefined,
      ...(trust.ca === undefined ? {} : { ca: trust.ca, allowPartialTrustChain: true }),
      ...(trust.serverName === undefined ? {} : { servername: trust.serverName }),
    })
    const end = (settle: () => void): void => {
      cancel()
      signal.removeEventListener('abort', abort)
      tls.destroy()
      tcp.destroy()
      settle()
    }
    const cancel = awakeTimer(timeoutMs, () => end(() => resolve(silence(timeoutMs))))
    const abort = (): void => end(() => reject(signal.reason))
    const fail = (error: Error): void => end(() => resolve(seenError(error, timeoutMs)))
    signal.addEventListener('abort', abort)
    // Stay for the sockets' whole life: an error after destroy() would otherwise end the process.
    tcp.on('error', fail)
    tls.on('error', fail)
    const asking = request({
      method: 'GET',
      path: '/readyz',
      headers: { host: trust.serverName ?? hostHeader(host, port) },
      createConnection: () => tls,
    })
    asking.on('error', fail)
    asking.on('response', (response) => {
      response.resume()
      end(() => resolve(seenStatus(response.statusCode ?? 0)))
    })
    asking.end()
  })

const seenStatus = (status: number): Seen =>
  status === 200 || status === 401 || status === 403 ? { outcome: 'ok' } : { outcome: 'failed', detail: `/readyz answers ${status}` }

const hostHeader = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)
