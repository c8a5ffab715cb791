import { FwError } from '../../errors.ts'
import type { ResolvedKubeconfig } from '../kubeconfig/resolve-kubeconfig.ts'
import type { Workstation } from '../workstation.ts'
import { bearer, type Credential, type CredentialSource } from './credential.ts'
import { execCredentials } from './exec-credentials.ts'
import { oidcToken } from './oidc-token.ts'
import { type Pem, pemOf } from './pem.ts'

/** A projected token is renewed at 80% of its life; reading it once a minute follows in time (client-go transport/token_source.go). */
const tokenFileMs = 50_000

/**
 * The credentials of the resolved user. A plain-http server gets none, as from kubectl: they would travel in the clear.
 * `ca` is what the plugin is told when it asks for the cluster.
 * @throws FwError FW_KUBECONFIG when a certificate, key or token file cannot be read
 */
export const credentialSource = (resolved: ResolvedKubeconfig, ca: Pem | undefined, machine: Workstation): CredentialSource => {
  const { user, userName, server } = resolved
  if (server.protocol === 'http:') return fixed({})
  const cert = pemOf(user['client-certificate'], user['client-certificate-data'], `the client certificate of user "${userName}"`, machine)
  const key = pemOf(user['client-key'], user['client-key-data'], `the client key of user "${userName}"`, machine)
  const withCertificate: Credential = cert !== undefined && key !== undefined ? { clientCertificate: { cert: cert.pem, key: key.pem } } : {}
  if (user.tokenFile !== '') return tokenFile(resolved, withCertificate, machine)
  if (user.token !== '') return fixed({ ...withCertificate, authorization: bearer(user.token) })
  if (user.username !== '' || user.password !== '') {
    return fixed({ ...withCertificate, authorization: `Basic ${Buffer.from(`${user.username}:${user.password}`).toString('base64')}` })
  }
  if (user['auth-provider']) return oidcToken(user['auth-provider'], resolved, withCertificate, machine)
  // kubectl asks the plugin only when nothing else identifies the user.
  if (user.exec && cert === undefined) return execCredentials(user.exec, resolved, ca, machine)
  return fixed(withCertificate)
}

const fixed = (credential: Credential): CredentialSource => ({ current: () => Promise.resolve(credential), refuse: () => false })

const tokenFile = (resolved: ResolvedKubeconfig, base: Credential, machine: Workstation): CredentialSource => {
  const { tokenFile: file, token } = resolved.user
  let known: { readonly token: string; readonly readAt: number } | undefined = token === '' ? undefined : { token, readAt: Number.NEGATIVE_INFINITY }
  const readToken = (): string => {
    const content = machine.readFile(file).toString('utf8').trim()
    if (content === '') throw new Error('it is empty')
    return content
  }
  const refreshed = (): string => {
    if (known !== undefined && machine.now() - known.readAt < tokenFileMs) return known.token
    try {
      known = { token: readToken(), readAt: machine.now() }
    } catch (error) {
      // A token that was read before, or stands beside the file, outlives a file that is being replaced.
      if (known === undefined) throw unreadable(file, error)
    }
    return known.token
  }
  return {
    current: async () => ({ ...base, authorization: bearer(refreshed()) }),
    // Of several requests that were refused the first has read the new token already: what counts is the one that was sent.
    refuse: ({ authorization }) => {
      if (known !== undefined) known = { ...known, readAt: Number.NEGATIVE_INFINITY }
      return bearer(refreshed()) !== authorization
    },
  }
}

const unreadable = (file: string, cause: unknown): FwError =>
  new FwError('FW_CREDENTIALS', `the token file ${file} cannot be read`, {
    why: cause instanceof Error ? cause.message : String(cause),
    fix: 'write a token into it, or give one with --token',
    cause,
  })
