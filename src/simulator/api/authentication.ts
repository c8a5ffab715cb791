import { type Authorizer, anonymous, forbiddenTo } from './authorization.ts'
import { unauthorized } from './status.ts'

/** What a client shows: the subject of a client certificate our authority signed, or a bearer token, or nothing. */
export interface Credentials {
  /** Common name of the verified client certificate. */
  readonly certificate?: string
  readonly token?: string
}

/** The token in an Authorization header. */
export const bearerOf = (header: string | undefined): string | undefined => /^Bearer (.+)$/.exec(header ?? '')?.[1]

/**
 * Who calls: by token, else by certificate, else nobody in particular; as somebody else where Impersonate-User asks and is allowed.
 * @throws ApiFailure 401 for a token nobody issued, 403 for a refused impersonation
 */
export const authenticate = (
  { certificate, token }: Credentials,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  tokens: ReadonlyMap<string, string>,
  authorizer: Authorizer,
): string => {
  const byToken = token === undefined ? undefined : tokens.get(token)
  if (token !== undefined && byToken === undefined) throw unauthorized()
  const user = byToken ?? certificate ?? anonymous
  const wanted = headers['impersonate-user']
  if (typeof wanted !== 'string') return user
  const attributes = { user, verb: 'impersonate', group: '', resource: 'users', name: wanted }
  if (!authorizer.allows(attributes)) throw forbiddenTo(attributes)
  return wanted
}
