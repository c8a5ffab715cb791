import { FwError } from '../../errors.ts'
import { ExchangeError, TooLongError } from '../transport/http-exchange.ts'
import { printable } from './printable.ts'
import { formatRequest, type RequestWords } from './request-words.ts'
import { tlsError } from './tls-error.ts'

/** What was asked of whom when the network failed. */
export interface NetworkContext {
  readonly words: RequestWords
  /** `192.168.218.171:6443`. */
  readonly authority: string
  /** The request changes nothing on the server, whether it arrived or not. */
  readonly readOnly: boolean
  readonly timeoutMs: number
  /** Where the trusted certificate authority came from, when one is given. */
  readonly caSource: string | undefined
  /** The caller's own signal. */
  readonly signal: AbortSignal | undefined
}

const notThere = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ETIMEDOUT', 'EADDRNOTAVAIL']

/** Turns whatever kept an answer from us into the error a user reads. */
export const networkError = (thrown: unknown, context: NetworkContext): FwError => {
  const cause = thrown instanceof ExchangeError ? thrown.cause : thrown
  if (context.signal?.aborted) return context.signal.reason instanceof FwError ? context.signal.reason : interrupted(context, cause)
  if (cause instanceof FwError) return cause
  const code = codeOf(cause)
  if (code === 'ABORT_ERR' || nameOf(cause) === 'TimeoutError') return timedOut(context, cause)
  if (cause instanceof TooLongError) return tooLong(context, cause)
  const tls = tlsError(cause, code, context)
  if (tls !== undefined) return tls
  if (notThere.includes(code)) {
    return new FwError('FW_UNREACHABLE', `${context.authority} cannot be reached`, {
      why: reasonOf(code, cause),
      fix: reachFix(code, context),
      cause,
    })
  }
  if (code.startsWith('HPE_')) {
    return new FwError('FW_API', `${context.authority} does not answer in HTTP`, {
      why: messageOf(cause),
      fix: 'check the port, and that the server begins with https:// if it speaks TLS',
      cause,
    })
  }
  return broken(thrown, context, cause)
}

const broken = (thrown: unknown, context: NetworkContext, cause: unknown): FwError => {
  const where = thrown instanceof ExchangeError && thrown.answered ? 'in the middle of the answer' : 'before an answer came'
  return new FwError('FW_UNREACHABLE', `the connection to ${context.authority} broke ${where}: ${formatRequest(context.words)}`, {
    why: context.readOnly ? messageOf(cause) : `${messageOf(cause)}; whether the server carried it out is not known, so it was not sent again`,
    fix: context.readOnly ? 'run this again' : 'look at what is there, then run this again',
    cause,
  })
}

const timedOut = (context: NetworkContext, cause: unknown): FwError =>
  new FwError('FW_TIMEOUT', `${context.authority} did not answer within ${context.timeoutMs / 1_000} s: ${formatRequest(context.words)}`, {
    ...(context.readOnly ? {} : { why: 'whether the server carried it out is not known' }),
    fix: 'check the way to the server; a slow one may need --request-timeout 60s',
    cause,
  })

const tooLong = (context: NetworkContext, cause: Error): FwError =>
  new FwError('FW_API', `the answer of ${context.authority} is too long: ${formatRequest(context.words)}`, {
    why: cause.message,
    fix: 'check that the server is a Kubernetes API',
    cause,
  })

const interrupted = (context: NetworkContext, cause: unknown): FwError =>
  new FwError('FW_INTERRUPTED', `stopped: ${formatRequest(context.words)}`, { cause })

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there, or a firewall refuses (ECONNREFUSED)',
  ENOTFOUND: 'its name has no address (ENOTFOUND)',
  EAI_AGAIN: 'its name cannot be looked up just now (EAI_AGAIN)',
  EHOSTUNREACH: 'no route to that host (EHOSTUNREACH)',
  ENETUNREACH: 'no route to that network (ENETUNREACH)',
}

const reasonOf = (code: string, cause: unknown): string => reasons[code] ?? messageOf(cause)

const reachFix = (code: string, { authority }: NetworkContext): string =>
  code === 'ENOTFOUND' || code === 'EAI_AGAIN'
    ? 'check the server in the kubeconfig, your DNS and your VPN'
    : `check the server in the kubeconfig, your VPN, and that the API server runs: nc -vz ${authority.replace(/:(\d+)$/, ' $1')}`

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '')
const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '')
const messageOf = (error: unknown): string =>
  printable(error instanceof Error && error.message !== '' ? error.message : codeOf(error) || String(error), 500)
