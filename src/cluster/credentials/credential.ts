import { FwError } from '../../errors.ts'

/** What identifies us in one request. */
export interface Credential {
  /** The Authorization header. */
  readonly authorization?: string
  /** PEM, for the TLS handshake. */
  readonly clientCertificate?: { readonly cert: Buffer; readonly key: Buffer }
}

/** Where credentials come from; they may change while we run. */
export interface CredentialSource {
  /**
   * The credential to use now. Where it is renewed while we run, `withinMs` is how long that may keep this caller; a first sign-in by a person takes its time.
   * @throws FwError FW_CREDENTIALS
   */
  current(signal?: AbortSignal, withinMs?: number): Promise<Credential>
  /** After a 401: forgets the credential that was refused; false when asking again would give the same. */
  refuse(spent: Credential): boolean
  /** Ends what still runs to renew it. */
  close?(): void
}

/**
 * `Bearer TOKEN`.
 * @throws FwError FW_CREDENTIALS when the token cannot stand in a header
 */
export const bearer = (token: string): string => {
  const trimmed = token.trim()
  if (!/^[\x21-\x7e]+$/.test(trimmed))
    throw new FwError('FW_CREDENTIALS', 'the token holds spaces, line breaks or letters outside ASCII', { fix: 'copy it again, as one line' })
  return `Bearer ${trimmed}`
}
