import * as v from 'valibot'
import type { FwCode } from '../../errors.ts'
import type { HttpAnswer } from '../transport/http-exchange.ts'
import { ApiError, type ApiErrorDetail, type StatusCause } from './api-error.ts'
import { printable } from './printable.ts'
import { canI, formatRequest, type RequestWords } from './request-words.ts'

/** Whom an error is told to. */
export interface ErrorContext {
  readonly words: RequestWords
  /** The server, as the kubeconfig names it. */
  readonly server: string
  /** The kubeconfig's name for us, or whom we act as; empty when it has none. */
  readonly userName: string
  /** Flags that make a kubectl command hit the same cluster as the same user, for example `--context home`. */
  readonly connectionFlags: string
  /** When the client certificate in use ended, if it has. */
  readonly certificateExpired: string | undefined
}

const text = v.nullish(v.string(), '')
const statusBody = v.object({
  kind: v.literal('Status'),
  message: text,
  reason: text,
  details: v.nullish(v.object({ causes: v.nullish(v.array(v.object({ reason: text, message: text, field: text })), []) })),
})

/** Turns an HTTP answer that is not a success into the error a user reads. `attempts` counts the tries a 429 has had. */
export const statusError = (answer: HttpAnswer, context: ErrorContext, attempts: number): ApiError => {
  const { message, reason, causes } = readStatus(answer)
  const detail: ApiErrorDetail = { status: answer.status, reason, causes }
  const request = formatRequest(context.words)
  const because = message === '' ? {} : { why: message }
  const error = (code: FwCode, what: string, fix: string, why = because.why): ApiError =>
    new ApiError(code, what, { ...detail, ...(why === undefined ? {} : { why }), fix })
  // A webhook's refusal comes with any status its author chose, 403 among them; no role would change it.
  const webhook = /admission webhook "([^"]+)" denied|failed calling webhook "([^"]+)"|ValidatingAdmissionPolicy '([^']+)'/.exec(message)
  if (webhook !== null) {
    const [, denied, broken, policy] = webhook
    if (broken !== undefined)
      return error(
        'FW_API',
        `the admission webhook ${broken} does not answer, so the cluster refuses to ${request}`,
        `mend or remove it: kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations`,
      )
    return error(
      'FW_INVALID',
      `the admission policy ${denied ?? policy} refuses to ${request}`,
      'change what it objects to, or ask its owner for an exception',
    )
  }
  switch (answer.status) {
    case 401:
      return error(
        'FW_UNAUTHORIZED',
        `${context.server} does not accept ${context.userName === '' ? 'our credentials' : `the credentials of user "${context.userName}"`}`,
        ...unauthorized(context, because.why),
      )
    case 403:
      return error(
        'FW_FORBIDDEN',
        `user "${userOf(message) || context.userName}" may not ${request}`,
        `ask a cluster admin for that right; then check it: ${canI(context.words, context.connectionFlags)}`,
      )
    case 404:
      return error('FW_NOT_FOUND', `not found: ${request}`, 'check the name, and that its API exists: kubectl api-resources')
    case 409:
      return error(
        'FW_CONFLICT',
        `${reason === 'AlreadyExists' ? 'it exists already' : 'somebody else has changed it'}: ${request}`,
        'look at it, then run this again',
        conflictOf(causes, message),
      )
    case 410:
      return error('FW_GONE', `the server has dropped the version asked for: ${request}`, 'run this again')
    case 422:
      return error('FW_INVALID', `the server finds the object invalid: ${request}`, 'correct the named fields', causesOf(causes, message))
    case 429:
      return error(
        'FW_THROTTLED',
        `the server is too busy to ${request}`,
        'wait a minute, then run this again',
        `asked ${attempts} times, it said 429 each time`,
      )
    case 504:
      return error(
        'FW_TIMEOUT',
        `the server gave up on its own work: ${request}`,
        'see whether the API server is well: kubectl get --raw /readyz?verbose',
      )
    default:
      return otherStatus(answer, error, request, message)
  }
}

/** The server's own name for us: a token's user is known to nobody else. */
const userOf = (message: string): string => /\bUser "([^"]+)" cannot/.exec(message)?.[1] ?? ''

type MakeError = (code: FwCode, what: string, fix: string, why?: string) => ApiError

const otherStatus = ({ status, headers }: HttpAnswer, error: MakeError, request: string, message: string): ApiError => {
  // Server-side apply on a custom resource says so with 500, everything else with 400.
  if (/strict decoding error|unknown field|field not declared in schema/.test(message)) {
    return error(
      'FW_INVALID',
      `the server does not know a field of the object: ${request}`,
      'use the Calico version this tool supports: kubectl calico-fw doctor',
    )
  }
  if (status >= 300 && status < 400) {
    return error(
      'FW_API',
      `the server sends us elsewhere instead of answering: ${request}`,
      'set the server in the kubeconfig to the API itself, not to a login page',
      `HTTP ${status} to ${printable(String(headers.location ?? 'nowhere'), 200)}`,
    )
  }
  if (status === 503)
    return error('FW_API', `the API is not available: ${request}`, 'see which one is down: kubectl get apiservices', message || 'HTTP 503')
  return error(
    'FW_API',
    `the server answers HTTP ${status}: ${request}`,
    'see whether the API server is well: kubectl get --raw /readyz?verbose',
    message || `HTTP ${status}`,
  )
}

const unauthorized = ({ certificateExpired }: ErrorContext, message: string | undefined): [fix: string, why: string | undefined] =>
  certificateExpired === undefined
    ? ['sign in again, or take a new kubeconfig; then check: kubectl auth whoami', message]
    : [
        'renew it, on kubeadm: kubeadm certs renew admin.conf, then copy /etc/kubernetes/admin.conf',
        `its client certificate ended on ${certificateExpired}`,
      ]

/** `spec.order: must be a number`, or the message where there are no causes. */
const causesOf = (causes: readonly StatusCause[], message: string): string =>
  causes.length === 0 ? message : causes.map(({ field, message: what }) => (field === '' ? what : `${field}: ${what}`)).join('; ')

const conflictOf = (causes: readonly StatusCause[], message: string): string =>
  causes.some(({ reason }) => reason === 'FieldManagerConflict') ? causesOf(causes, message) : message

const readStatus = ({ body, headers }: HttpAnswer): { message: string; reason: string; causes: StatusCause[] } => {
  const parsed = v.safeParse(statusBody, jsonOf(body))
  if (parsed.success) {
    const { message, reason, details } = parsed.output
    const causes = details?.causes.map((cause) => ({
      reason: printable(cause.reason),
      message: printable(cause.message),
      // `<nil>` is what Go prints for no path at all.
      field: cause.field === '<nil>' ? '' : printable(cause.field),
    }))
    return { message: printable(message), reason: printable(reason), causes: causes ?? [] }
  }
  // A page of HTML comes from something between us and the API server; its text would only confuse.
  const html = String(headers['content-type'] ?? '').includes('html')
  return {
    message: html ? 'the answer is a web page, so something else than the API server answered' : printable(body.toString('utf8').trim(), 500),
    reason: '',
    causes: [],
  }
}

const jsonOf = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}
