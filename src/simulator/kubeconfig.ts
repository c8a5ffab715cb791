import { Buffer } from 'node:buffer'
import { stringify } from 'yaml'
import { certificates } from './certificates.ts'

/** What a kubeconfig of the simulated cluster says. */
export interface KubeconfigOptions {
  /** `https://host:port`. */
  readonly server: string
  /** Signs in with this token instead of the client certificate. */
  readonly token?: string
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** A kubeconfig as kubeadm writes it, complete in itself. */
export const kubeconfigFor = ({ server, token }: KubeconfigOptions): string => {
  const { ca, client } = certificates
  const certificate = { 'client-certificate-data': base64(client.certificate), 'client-key-data': base64(client.key) }
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'home', cluster: { server, 'certificate-authority-data': base64(ca) } }],
    users: [{ name: 'kubernetes-admin', user: token === undefined ? certificate : { token } }],
    contexts: [{ name: 'kubernetes-admin@home', context: { cluster: 'home', user: 'kubernetes-admin' } }],
    'current-context': 'kubernetes-admin@home',
  })
}
