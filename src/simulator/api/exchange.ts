import type { Barrier } from '../barrier.ts'
import { authenticate, type Credentials } from './authentication.ts'
import type { ApiAnswer, ApiCall } from './call.ts'
import type { ControlPlane } from './control-plane.ts'
import type { Fault, FaultBook } from './faults.ts'
import { handleCall, type Surroundings } from './handle.ts'
import { ApiFailure, type Status } from './status.ts'

/** A request as a transport hands it over: the socket's, or the one inside the process. */
export interface RawRequest {
  readonly method: string
  /** Path with query. */
  readonly target: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: string
  readonly credentials: Credentials
}

/** One line of the request log. `code` is undefined until, or unless, an answer was made. */
export interface LoggedRequest {
  readonly method: string
  /** Path with query. */
  readonly path: string
  readonly user: string
  readonly code: number | undefined
  /** The body as it was sent. */
  readonly body: string
}

/** What the transport does with an answer. */
export type Exchanged =
  | { readonly kind: 'answer'; readonly answer: ApiAnswer; readonly truncate?: boolean }
  | { readonly kind: 'hang' }
  | { readonly kind: 'reset' }

/** Everything an exchange needs. */
export interface Exchanger {
  readonly plane: ControlPlane
  readonly around: Surroundings
  readonly faults: FaultBook
  readonly tokens: ReadonlyMap<string, string>
  readonly log: LoggedRequest[]
  /** Closed while the API server is frozen. */
  readonly frozen: Barrier
}

const statusAnswer = ({ status, code, retryAfter }: ApiFailure): ApiAnswer => ({
  ...{ code, body: status satisfies Status },
  ...(retryAfter === undefined ? {} : { retryAfter }),
})

const reasons: Readonly<Record<number, string>> = {
  ...{ 401: 'Unauthorized', 403: 'Forbidden', 404: 'NotFound', 409: 'Conflict', 410: 'Expired', 422: 'Invalid' },
  ...{ 429: 'TooManyRequests', 500: 'InternalError', 503: 'ServiceUnavailable', 504: 'Timeout' },
}

const injected = ({ harm }: Fault): ApiAnswer | undefined => {
  if (harm.kind !== 'status') return undefined
  const { code, message = 'injected fault', retryAfter } = harm
  return statusAnswer(new ApiFailure(code, reasons[code], message, retryAfter === undefined ? {} : { retryAfter }))
}

/** One request from its credentials to what goes back, faults included. Failures become Status answers; bugs of ours are thrown. */
export const exchangeRequest = async (exchanger: Exchanger, raw: RawRequest): Promise<Exchanged> => {
  const { faults, log } = exchanger
  const entry = { method: raw.method, path: raw.target, user: '', code: undefined as number | undefined, body: raw.body }
  log.push(entry)
  await exchanger.frozen.passed()
  const fault = faults.next(raw.method, raw.target)
  const lost = fault?.harm.kind === 'hang' || fault?.harm.kind === 'reset' ? fault.harm.kind : undefined
  if (fault !== undefined && lost !== undefined && fault.after !== true) return { kind: lost }
  if (fault?.harm.kind === 'slow') await exchanger.plane.clock.sleep(fault.harm.ms)
  const answer = (fault === undefined ? undefined : injected(fault)) ?? (await answerOf(exchanger, raw, entry))
  entry.code = answer.code
  if (lost !== undefined) return { kind: lost }
  return { kind: 'answer', answer, ...(fault?.harm.kind === 'truncate' ? { truncate: true } : {}) }
}

const answerOf = async ({ plane, around, tokens }: Exchanger, raw: RawRequest, entry: { user: string }): Promise<ApiAnswer> => {
  try {
    const user = authenticate(raw.credentials, raw.headers, tokens, plane.authorizer)
    entry.user = user
    return await handleCall(plane, callOf(raw, user), around)
  } catch (error) {
    if (error instanceof ApiFailure) return statusAnswer(error)
    throw error
  }
}

const callOf = ({ method, target, headers, body }: RawRequest, user: string): ApiCall => {
  const { pathname, searchParams } = new URL(target, 'https://kubernetes')
  const text = (name: string): string => `${headers[name] ?? ''}`
  const contentType = text('content-type').split(';')[0] ?? ''
  return { method, path: pathname, query: searchParams, contentType, body, user, userAgent: text('user-agent') }
}
