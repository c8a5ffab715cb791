import { pemOf } from '../cluster/pem.ts'
import type { ResolvedKubeconfig } from '../cluster/resolve-kubeconfig.ts'
import type { Workstation } from '../cluster/workstation.ts'
import type { Trust } from './ready.ts'

/**
 * Whom the kubeconfig trusts to be the API server.
 * @throws FwError FW_KUBECONFIG when the certificate authority cannot be read
 */
export const trustOf = ({ cluster, clusterName }: ResolvedKubeconfig, machine: Workstation): Trust => {
  const what = `the certificate authority of cluster "${clusterName}"`
  const ca = pemOf(cluster['certificate-authority'], cluster['certificate-authority-data'], what, machine)
  const serverName = cluster['tls-server-name']
  return {
    ...(ca === undefined ? {} : { ca: ca.pem.toString('utf8') }),
    ...(cluster['insecure-skip-tls-verify'] ? { insecure: true } : {}),
    ...(serverName === '' ? {} : { serverName }),
  }
}
