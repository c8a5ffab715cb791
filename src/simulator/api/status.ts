/** One reason among several in a Status, as `details.causes` carries them. */
export interface Cause {
  readonly reason: string
  readonly message: string
  readonly field: string
}

/** The body of every failed call: a `v1` Status. */
export interface Status {
  readonly kind: 'Status'
  readonly apiVersion: 'v1'
  readonly metadata: Record<string, never>
  readonly status: 'Success' | 'Failure'
  readonly message?: string
  readonly reason?: string
  readonly details?: {
    readonly name?: string
    readonly group?: string
    readonly kind?: string
    readonly uid?: string
    readonly causes?: readonly Cause[]
  }
  readonly code?: number
}

/** A call the API server answers with a failure. Thrown inside the simulator, sent as its Status. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure'
  readonly status: Status
  readonly code: number
  /** Value of the Retry-After header, in seconds. */
  readonly retryAfter: number | undefined

  constructor(code: number, reason: string | undefined, message: string, more: { details?: Status['details']; retryAfter?: number } = {}) {
    super(message)
    this.code = code
    this.retryAfter = more.retryAfter
    this.status = {
      ...({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message } as const),
      ...(reason === undefined ? {} : { reason }),
      ...(more.details === undefined ? {} : { details: more.details }),
      code,
    }
  }
}

/** What a Status names: the plural and group of a resource. */
export interface Named {
  readonly group: string
  readonly plural: string
  readonly kind: string
}

/** `hostendpoints.projectcalico.org`, or `configmaps` for the core group. */
export const qualified = ({ group, plural }: { group: string; plural: string }): string => (group === '' ? plural : `${plural}.${group}`)

const details = ({ group, plural }: Named, name?: string, causes?: readonly Cause[]): NonNullable<Status['details']> => ({
  ...(name === undefined || name === '' ? {} : { name }),
  ...(group === '' ? {} : { group }),
  kind: plural,
  ...(causes === undefined ? {} : { causes }),
})

/** 404 for an object that does not exist. */
export const notFound = (kind: Named, name: string): ApiFailure =>
  new ApiFailure(404, 'NotFound', `${qualified(kind)} "${name}" not found`, { details: details(kind, name) })

/** 409 for a create of what exists. */
export const alreadyExists = (kind: Named, name: string): ApiFailure =>
  new ApiFailure(409, 'AlreadyExists', `${qualified(kind)} "${name}" already exists`, { details: details(kind, name) })

/** 409 for a write whose guard does not hold. */
export const conflict = (kind: Named, name: string, why: string): ApiFailure =>
  new ApiFailure(409, 'Conflict', `Operation cannot be fulfilled on ${qualified(kind)} "${name}": ${why}`, { details: details(kind, name) })

/** The text of a conflict over `metadata.resourceVersion`. */
export const modified = 'the object has been modified; please apply your changes to the latest version and try again'

/** 422 for a PUT without the resourceVersion it replaces; it names the resource where others name the kind. */
export const unguarded = (kind: Named, name: string): ApiFailure => {
  const cause: Cause = {
    reason: 'FieldValueInvalid',
    message: 'Invalid value: 0: must be specified for an update',
    field: 'metadata.resourceVersion',
  }
  const message = `${qualified(kind)} "${name}" is invalid: ${cause.field}: ${cause.message}`
  return new ApiFailure(422, 'Invalid', message, { details: details(kind, name, [cause]) })
}

/** 422 with its causes. */
export const invalid = (kind: Named, name: string, causes: readonly Cause[]): ApiFailure => {
  const texts = causes.map(({ field, message }) => `${field}: ${message}`)
  const text = texts.length === 1 ? texts.join('') : `[${texts.join(', ')}]`
  const subject = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`
  const named = { ...details(kind, name, causes), kind: kind.kind }
  return new ApiFailure(422, 'Invalid', `${subject} "${name}" is invalid: ${text}`, { details: named })
}

/** 403, in the authorizer's or an admission plugin's words. */
export const forbidden = (kind: Named, name: string, why: string): ApiFailure => {
  const subject = name === '' ? qualified(kind) : `${qualified(kind)} "${name}"`
  return new ApiFailure(403, 'Forbidden', `${subject} is forbidden: ${why}`, { details: details(kind, name) })
}

/** 400. */
export const badRequest = (message: string): ApiFailure => new ApiFailure(400, 'BadRequest', message)

/** 401: the credentials are not known. */
export const unauthorized = (): ApiFailure => new ApiFailure(401, 'Unauthorized', 'Unauthorized')

/** 410: the revision asked for has been compacted. */
export const expired = (message: string): ApiFailure => new ApiFailure(410, 'Expired', message)

/** 503: a backend of the API server is gone. */
export const unavailable = (message: string): ApiFailure => new ApiFailure(503, 'ServiceUnavailable', message)

/** 500. */
export const internalError = (message: string): ApiFailure =>
  new ApiFailure(500, 'InternalError', `Internal error occurred: ${message}`, { details: { causes: [{ reason: '', message, field: '' }] } })

/** 404 for a path inside a known group that names no resource. */
export const noSuchResource = (): ApiFailure => new ApiFailure(404, 'NotFound', 'the server could not find the requested resource', { details: {} })
