import { FwError } from '../../errors.ts'
import type { ResolvedKubeconfig } from '../kubeconfig/resolve-kubeconfig.ts'
import type { Workstation } from '../workstation.ts'

/** A certificate or key, and where it was found. */
export interface Pem {
  readonly pem: Buffer
  /** For messages: `/etc/kubernetes/pki/ca.crt`, or `the kubeconfig`. */
  readonly source: string
}

/**
 * Inline data before a file, as kubectl has it; undefined when neither is given.
 * @throws FwError FW_KUBECONFIG
 */
export const pemOf = (file: string, data: Buffer | undefined, what: string, machine: Workstation): Pem | undefined => {
  if (data !== undefined) return { pem: data, source: 'the kubeconfig' }
  if (file === '') return undefined
  try {
    return { pem: machine.readFile(file), source: file }
  } catch (cause) {
    throw new FwError('FW_KUBECONFIG', `${what} cannot be read`, {
      why: cause instanceof Error ? cause.message : String(cause),
      fix: `put it at ${file}, or correct the kubeconfig`,
      cause,
    })
  }
}

/**
 * The certificate authority of the kubeconfig's cluster; undefined when it names none.
 * @throws FwError FW_KUBECONFIG
 */
export const caOf = ({ cluster, clusterName }: ResolvedKubeconfig, machine: Workstation): Pem | undefined =>
  pemOf(cluster['certificate-authority'], cluster['certificate-authority-data'], `the certificate authority of cluster "${clusterName}"`, machine)
