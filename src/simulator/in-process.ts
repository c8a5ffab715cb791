import { Buffer } from 'node:buffer'
import { networkError } from '../cluster/errors/network-error.ts'
import { requestWords } from '../cluster/errors/request-words.ts'
import { statusError } from '../cluster/errors/status-error.ts'
import { emptyCluster, emptyUser } from '../cluster/kubeconfig/kubeconfig-schema.ts'
import { callSignal, type Timer } from '../cluster/transport/call-signal.ts'
import type { ApiRequest, Connection } from '../cluster/transport/connection.ts'
import type { HttpAnswer } from '../cluster/transport/http-exchange.ts'
import type { Clock } from '../rollout/clock.ts'
import { type Exchanger, exchangeRequest } from './api/exchange.ts'
import { slept } from './bell.ts'
import type { Reach } from './dataplane/packets.ts'

/** What a connection without sockets needs. */
export interface InProcessSurroundings {
  readonly exchanger: Exchanger
  readonly clock: Clock
  /** What a fresh connection of the operator's meets now. */
  readonly meet: (host: string, port: number) => Reach
  /** False while the operator's cable is pulled. */
  readonly plugged: () => boolean
  /** Changes whenever all connections are reset. */
  readonly generation: () => number
  readonly user: string
  readonly server: URL
}

const defaultTimeoutMs = 10_000
const pollMs = 250
const maxThrottled = 5

const errorOf = (code: string, message: string): Error => Object.assign(new Error(message), { code })
const late = (): Error => Object.assign(new Error('the deadline has passed'), { name: 'TimeoutError' })

/**
 * A connection to the simulated API without sockets and without real time: the same requests, answers, faults and firewall as over TLS, at the
 * speed of a function call, with every deadline kept by the simulator's clock. For tests that run hundreds of rollouts.
 */
export const inProcessConnection = (around: InProcessSurroundings): Connection => {
  const { exchanger, clock, server, user } = around
  let established: number | undefined

  /** Waits for the firewall to let a connection through; one that stands needs nobody's leave. */
  const dial = async (request: ApiRequest, signal: AbortSignal): Promise<void> => {
    const fresh = request.fresh !== undefined
    if (!fresh && established === around.generation()) return
    const [host, port] = [request.fresh?.address ?? server.hostname, request.fresh?.port ?? Number(server.port)]
    for (;;) {
      const reach = around.plugged() ? around.meet(host, port) : 'TIMEOUT'
      if (reach === 'REFUSED') throw errorOf('ECONNREFUSED', `connect ECONNREFUSED ${host}:${port}`)
      if (reach === 'OPEN') break
      if (!(await slept(clock, pollMs, signal))) throw late()
    }
    if (!fresh) established = around.generation()
  }

  const once = async (request: ApiRequest, signal: AbortSignal): Promise<HttpAnswer> => {
    await dial(request, signal)
    while (!around.plugged()) if (!(await slept(clock, pollMs, signal))) throw late()
    const headers = { 'user-agent': 'kubectl-calico-fw', ...request.headers }
    const asked = { method: request.method, target: request.path, headers, body: request.body ?? '', credentials: { certificate: user } }
    const exchanged = await Promise.race([exchangeRequest(exchanger, asked), ended(signal)])
    if (exchanged === undefined) throw late()
    if (exchanged.kind === 'reset' || (exchanged.kind === 'answer' && exchanged.truncate)) {
      established = undefined
      throw errorOf('ECONNRESET', 'read ECONNRESET')
    }
    if (exchanged.kind === 'hang') {
      await ended(signal)
      throw late()
    }
    const { answer } = exchanged
    if ('watch' in answer) throw new Error('a connection inside the process carries no watches')
    const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)
    const retry = answer.retryAfter === undefined ? {} : { 'retry-after': `${answer.retryAfter}` }
    return { status: answer.code, headers: { 'content-type': 'application/json', ...retry }, body: Buffer.from(text), localAddress: undefined }
  }

  const timer: Timer = (ms, then) => {
    const over = new AbortController()
    void slept(clock, ms, over.signal).then((passed) => {
      if (passed) then()
    })
    return () => over.abort(answered)
  }

  const send = async (request: ApiRequest): Promise<HttpAnswer> => {
    const timeoutMs = request.timeoutMs ?? defaultTimeoutMs
    const { signal, release } = callSignal(timeoutMs, request.signal, timer)
    const words = () => requestWords(request.method, request.path)
    const readOnly = request.method === 'GET'
    const context = () => ({ words: words(), authority: server.host, readOnly, timeoutMs, caSource: undefined, signal: request.signal })
    try {
      for (let attempts = 1; ; attempts++) {
        const answer = await once(request, signal).catch((error: unknown) => {
          throw networkError(error, context())
        })
        if ((request.accept ?? isSuccess)(answer.status)) return answer
        const wait = Number(answer.headers['retry-after'] ?? '1') * 1000
        if (answer.status === 429 && attempts <= maxThrottled && wait < timeoutMs && (await slept(clock, wait, signal))) continue
        throw statusError(
          answer,
          { words: words(), server: server.host, userName: user, connectionFlags: '', certificateExpired: undefined },
          attempts,
        )
      }
    } finally {
      release()
    }
  }
  return {
    resolved: {
      ...{ context: 'kubernetes-admin@home', clusterName: 'home', userName: user, namespace: 'default', server },
      ...{ cluster: emptyCluster, user: emptyUser, requestTimeoutMs: undefined, kubectlFlags: '', notices: [] },
    },
    send,
    upgrade: () => Promise.reject(new Error('a connection inside the process carries no other protocols')),
    close: () => {
      established = undefined
    },
  }
}

/** Why a deadline is watched no more; without a reason Node makes an exception, with its stack, for each of a test's hundred thousand requests. */
const answered = 'answered'

const isSuccess = (status: number): boolean => status >= 200 && status < 300

const ended = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
