import { type FwCode, FwError } from '../../errors.ts'

/** One cause in a Kubernetes Status. */
export interface StatusCause {
  /** For example `FieldValueInvalid`, `FieldManagerConflict`. */
  readonly reason: string
  readonly message: string
  /** For example `spec.order`. */
  readonly field: string
}

/** What the server said, beside its message. */
export interface ApiErrorDetail {
  /** HTTP status. */
  readonly status: number
  /** The Status's reason, for example `AlreadyExists`; empty when the answer was no Status. */
  readonly reason: string
  readonly causes: readonly StatusCause[]
}

/** The API server's refusal: an FwError with the HTTP status and the Status's reason and causes. */
export class ApiError extends FwError {
  readonly status: number
  readonly reason: string
  readonly causes: readonly StatusCause[]

  constructor(code: FwCode, what: string, detail: ApiErrorDetail & { why?: string; fix?: string }) {
    super(code, what, detail)
    this.status = detail.status
    this.reason = detail.reason
    this.causes = detail.causes
  }
}
