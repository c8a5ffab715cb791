import type { Credential } from '../credentials/credential.ts'
import { credentialSource } from '../credentials/credential-source.ts'
import { impersonationHeaders } from '../credentials/impersonation.ts'
import { caOf } from '../credentials/pem.ts'
import { networkError } from '../errors/network-error.ts'
import { requestWords } from '../errors/request-words.ts'
import { statusError } from '../errors/status-error.ts'
import type { ResolvedKubeconfig } from '../kubeconfig/resolve-kubeconfig.ts'
import type { Workstation } from '../workstation.ts'
import { awakeTimer, callSignal, realTimer, type Timer } from './call-signal.ts'
import type { ApiRequest, Connection } from './connection.ts'
import { ExchangeError, exchange, type HttpAnswer } from './http-exchange.ts'
import { type OpenSocket, openSocket } from './network.ts'
import { authorityOf, hostOf, portOf } from './server-address.ts'
import { expiryOfCertificate, tlsSettings } from './tls-settings.ts'
import { createWays } from './ways.ts'

/** What a connection may be given instead of its defaults. */
export interface ConnectOptions {
  readonly openSocket?: OpenSocket
  /** Default `kubectl-calico-fw`. */
  readonly userAgent?: string
  /** Longest answer read, in bytes; default 64 MiB: 500 large policies are a tenth of it. */
  readonly maxBytes?: number
  /** Keeps the deadlines of calls, and waits out a 429; default real time. */
  readonly timer?: Timer
  /** Told of every exchange, for `-v`; no headers and no bodies, so no credentials. */
  readonly onExchange?: (seen: { readonly method: string; readonly url: string; readonly status: number | undefined }) => void
}

const defaultTimeoutMs = 10_000
/** How often a 429 is waited out. */
const maxThrottled = 5
const longestWaitMs = 30_000

/**
 * Makes the connection to the resolved cluster: reads certificates, keys and tokens, opens nothing yet.
 * @throws FwError FW_KUBECONFIG
 */
export const connect = (resolved: ResolvedKubeconfig, machine: Workstation, options: ConnectOptions = {}): Connection => {
  const { user, server, userName } = resolved
  const ca = caOf(resolved, machine)
  const credentials = credentialSource(resolved, ca, machine)
  const tls = tlsSettings(resolved, ca)
  const impersonation = impersonationHeaders(user)
  const timer = options.timer ?? realTimer
  const ways = createWays(resolved, tls, machine.env, options.openSocket ?? openSocket)
  const headersOf = (credential: Credential) => ({
    'user-agent': options.userAgent ?? 'kubectl-calico-fw',
    ...impersonation,
    ...(credential.authorization === undefined ? {} : { authorization: credential.authorization }),
  })

  const sendOnce = async (request: ApiRequest, credential: Credential, signal: AbortSignal): Promise<HttpAnswer> => {
    const at = addressed(server, request.fresh)
    const way = request.fresh === undefined ? ways.kept(credential) : ways.fresh(at, credential)
    // An address that discovery found may be shown our credentials only once its certificate has proved it is the server's.
    const trusted = at.host === server.host || (at.protocol === 'https:' && !tls.insecure)
    const url = new URL(`${at.pathname.replace(/\/$/, '')}${request.path}`, at)
    const headers = {
      accept: 'application/json',
      host: server.host,
      ...request.headers,
      ...headersOf(trusted ? credential : {}),
      ...way.route.headers,
    }
    const once = () =>
      exchange({
        method: request.method,
        url,
        target: way.route.target(url),
        headers,
        body: request.body,
        agent: way.agent,
        signal,
        maxBytes: options.maxBytes ?? 64 << 20,
      })
    let status: number | undefined
    try {
      const answer = await once().catch((error: unknown) => {
        if (isRead(request) && error instanceof ExchangeError && error.reused && !signal.aborted) return once()
        throw error
      })
      status = answer.status
      return answer
    } catch (error) {
      // Only a connection from before can have died unnoticed; what cannot be dialled is no reason to forget the others.
      if (error instanceof ExchangeError && error.reused && request.signal?.aborted !== true) ways.retire(way)
      throw error
    } finally {
      options.onExchange?.({ method: request.method, url: url.href, status })
      if (request.fresh !== undefined) way.close()
    }
  }

  const send = async (request: ApiRequest): Promise<HttpAnswer> => {
    const timeoutMs = request.timeoutMs ?? resolved.requestTimeoutMs ?? defaultTimeoutMs
    const credential = await credentials.current(request.signal, timeoutMs)
    // A new connection for every request is how probes ask.
    const { signal, release } = callSignal(timeoutMs, request.signal, request.fresh === undefined ? timer : (options.timer ?? awakeTimer))
    try {
      return await sendUntil(request, credential, timeoutMs, signal)
    } finally {
      release()
    }
  }

  const sendUntil = async (request: ApiRequest, first: Credential, timeoutMs: number, signal: AbortSignal): Promise<HttpAnswer> => {
    let credential = first
    const at = addressed(server, request.fresh)
    // Only for those that fail: of 5,000 writes none is put into words.
    const context = () => ({
      words: requestWords(request.method, request.path),
      authority: authorityOf(hostOf(at), portOf(at)),
      readOnly: isRead(request),
      timeoutMs,
      caSource: ca?.source,
      signal: request.signal,
    })
    let renewed = false
    for (let attempts = 1; ; attempts++) {
      const answer = await sendOnce(request, credential, signal).catch((error: unknown) => {
        throw networkError(error, context())
      })
      if ((request.accept ?? isSuccess)(answer.status)) return answer
      if (answer.status === 401 && !renewed && credentials.refuse(credential)) {
        renewed = true
        credential = await credentials.current(request.signal, timeoutMs)
        continue
      }
      if (answer.status === 429 && attempts <= maxThrottled && (await waited(retryAfterMs(answer), timeoutMs, signal, timer))) continue
      if (request.signal?.aborted) throw networkError(request.signal.reason, context())
      const certificateExpired = expiredSince(credential, machine.now())
      throw statusError(
        answer,
        { words: context().words, server: server.host, userName: user.as || userName, connectionFlags: resolved.kubectlFlags, certificateExpired },
        attempts,
      )
    }
  }

  return {
    resolved,
    send,
    upgrade: async (signal) => {
      const credential = await credentials.current(signal)
      const { agent, close } = ways.fresh(server, credential)
      return { headers: { host: server.host, ...headersOf(credential) }, agent, url: server, close }
    },
    close: () => {
      credentials.close?.()
      ways.close()
    },
  }
}

const isRead = ({ method }: ApiRequest): boolean => method === 'GET' || method === 'HEAD'
const isSuccess = (status: number): boolean => status >= 200 && status < 300

const addressed = (server: URL, fresh: ApiRequest['fresh']): URL => {
  if (fresh === undefined) return server
  const at = new URL(server)
  if (fresh.address !== undefined) at.hostname = fresh.address.includes(':') ? `[${fresh.address}]` : fresh.address
  if (fresh.port !== undefined) at.port = String(fresh.port)
  return at
}

const retryAfterMs = ({ headers }: HttpAnswer): number => {
  const seconds = Number(headers['retry-after'] ?? '1')
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : 1_000
}

/** False when the wait would outlast the call, or is cut short. */
const waited = async (ms: number, timeoutMs: number, signal: AbortSignal, timer: Timer): Promise<boolean> => {
  if (ms >= timeoutMs || ms > longestWaitMs || signal.aborted) return false
  return new Promise((resolve) => {
    const cutShort = (): void => {
      cancel()
      resolve(false)
    }
    const cancel = timer(ms, () => {
      signal.removeEventListener('abort', cutShort)
      resolve(true)
    })
    signal.addEventListener('abort', cutShort, { once: true })
  })
}

const expiredSince = ({ clientCertificate }: Credential, now: number): string | undefined => {
  const end = clientCertificate === undefined ? undefined : expiryOfCertificate(clientCertificate.cert)
  return end !== undefined && end < now ? new Date(end).toISOString().slice(0, 10) : undefined
}
