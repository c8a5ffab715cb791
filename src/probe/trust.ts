import { caOf } from '../cluster/credentials/pem.ts'
import type { ResolvedKubeconfig } from '../cluster/kubeconfig/resolve-kubeconfig.ts'
import type { Workstation } from '../cluster/workstation.ts'
import type { Trust } from './ready.ts'

/**
 * Whom the kubeconfig trusts to be the API server.
 * @throws FwError FW_KUBECONFIG when the certificate authority cannot be read
 */
export const trustOf = (resolved: ResolvedKubeconfig, machine: Workstation): Trust => {
  const { cluster } = resolved
  const ca = caOf(resolved, machine)
  const serverName = cluster['tls-server-name']
  return {
    ...(ca === undefined ? {} : { ca: ca.pem.toString('utf8') }),
    ...(cluster['insecure-skip-tls-verify'] ? { insecure: true } : {}),
    ...(serverName === '' ? {} : { serverName }),
  }
}
