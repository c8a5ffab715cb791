import * as v from 'valibot'
import { FwError } from '../../errors.ts'
import type { UserEntry } from '../kubeconfig/kubeconfig-schema.ts'
import type { ResolvedKubeconfig } from '../kubeconfig/resolve-kubeconfig.ts'
import type { Workstation } from '../workstation.ts'
import { bearer, type Credential, type CredentialSource } from './credential.ts'

/** As much earlier than the token's end as kubectl counts it as over (client-go plugin/pkg/client/auth/oidc `expiryDelta`). */
const skewMs = 10_000
const claims = v.object({ exp: v.number() })

/**
 * The id-token of the legacy `auth-provider: oidc`, while it is valid. Refreshing it rewrites the kubeconfig, which stays kubectl's business:
 * an expired token ends in the kubectl command that refreshes it.
 * @throws FwError FW_KUBECONFIG for the providers kubectl has dropped with 1.26
 */
export const oidcToken = (
  provider: NonNullable<UserEntry['auth-provider']>,
  resolved: ResolvedKubeconfig,
  base: Credential,
  machine: Workstation,
): CredentialSource => {
  if (provider.name !== 'oidc') {
    throw new FwError('FW_KUBECONFIG', `user "${resolved.userName}" signs in by the auth-provider "${provider.name}", which kubectl has dropped`, {
      why: 'the gcp and azure providers ended with Kubernetes 1.26',
      fix: 'let the cloud write a kubeconfig with its exec plugin (gke-gcloud-auth-plugin, kubelogin)',
    })
  }
  const token = provider.config['id-token'] ?? ''
  return {
    current: async () => {
      if (token === '' || expiryOf(token) - skewMs <= machine.now()) throw expired(resolved)
      return { ...base, authorization: bearer(token) }
    },
    refuse: () => false,
  }
}

const expiryOf = (token: string): number => {
  try {
    return v.parse(claims, JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))).exp * 1_000
  } catch {
    return Number.NEGATIVE_INFINITY
  }
}

const expired = ({ userName, context }: ResolvedKubeconfig): FwError =>
  new FwError('FW_CREDENTIALS', `the OpenID token of user "${userName}" has expired`, {
    fix: `let kubectl refresh it: kubectl ${context === '' ? '' : `--context ${context} `}get --raw /version; then run this again`,
  })
