import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import type { Layout } from '../layout.ts'
import { inParallel, run } from '../machine/run.ts'
import type { StateDir } from '../machine/state.ts'

/** Who a certificate is for. */
interface Leaf {
  readonly name: string
  readonly subject: string
  readonly san?: string
}

const days = '3650'
const ecKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** Makes the CA, the service-account key, and a certificate for everybody: pki/NAME.crt and pki/NAME.key in the state folder. */
export const makePki = async (state: StateDir, layout: Layout): Promise<void> => {
  const file = (name: string) => state.at('pki', name)
  await Promise.all([
    run(['openssl', 'req', '-x509', ...ecKey, '-keyout', file('ca.key'), '-out', file('ca.crt'), '-subj', '/CN=lab-ca', '-days', days]),
    run(['openssl', 'genrsa', '-out', file('sa.key'), '2048']).then(() =>
      run(['openssl', 'rsa', '-in', file('sa.key'), '-pubout', '-out', file('sa.pub')]),
    ),
  ])
  await inParallel(3, leaves(layout), (leaf) => makeLeaf(state, leaf))
}

/** Makes one certificate for serving and as a client, signed by the lab's CA. */
export const makeLeaf = async (state: StateDir, { name, subject, san }: Leaf): Promise<void> => {
  const file = (suffix: string) => state.at('pki', `${name}.${suffix}`)
  writeFileSync(file('ext'), `${san === undefined ? '' : `subjectAltName=${san}\n`}extendedKeyUsage=serverAuth,clientAuth\n`)
  await run(['openssl', 'req', '-new', ...ecKey, '-keyout', file('key'), '-out', file('csr'), '-subj', subject])
  await run([
    ...['openssl', 'x509', '-req', '-in', file('csr'), '-CA', state.at('pki', 'ca.crt'), '-CAkey', state.at('pki', 'ca.key')],
    ...['-set_serial', `0x${randomBytes(8).toString('hex')}`, '-days', days, '-extfile', file('ext'), '-out', file('crt')],
  ])
}

/** The certificate of a node's kubelet: its identity towards the API, and what it serves on its InternalIP. */
export const kubeletLeaf = (node: { readonly name: string; readonly fqdn: string; readonly address: string; readonly address6?: string }): Leaf => ({
  name: `kubelet-${node.name}`,
  subject: `/O=system:nodes/CN=system:node:${node.fqdn}`,
  san: `IP:${node.address},${node.address6 === undefined ? '' : `IP:${node.address6},`}DNS:${node.fqdn}`,
})

const leaves = (layout: Layout): readonly Leaf[] => {
  const addresses = [
    '127.0.0.1',
    layout.apiServiceAddress,
    layout.api.vip,
    ...layout.nodes.filter((node) => node.controlPlane).map((node) => node.address),
  ]
  return [
    {
      name: 'apiserver',
      subject: '/CN=kube-apiserver',
      san: `${addresses.map((ip) => `IP:${ip}`).join(',')},DNS:kubernetes,DNS:kubernetes.default.svc,DNS:localhost`,
    },
    { name: 'apiserver-kubelet', subject: '/O=system:masters/CN=kube-apiserver-kubelet-client' },
    { name: 'admin', subject: '/O=system:masters/CN=admin' },
    { name: 'front-proxy', subject: '/CN=front-proxy-client' },
    { name: 'controller-manager', subject: '/CN=system:kube-controller-manager' },
    { name: 'scheduler', subject: '/CN=system:kube-scheduler' },
    { name: 'kube-proxy', subject: '/CN=system:kube-proxy' },
    { name: 'calico', subject: '/O=system:masters/CN=calico' },
    ...layout.nodes.map(kubeletLeaf),
  ]
}

/** Writes pki/FILE.kubeconfig for a certificate and a server. */
export const writeKubeconfig = (state: StateDir, file: string, leaf: string, server: string): string => {
  const encoded = (name: string) => readFileSync(state.at('pki', name)).toString('base64')
  const path = state.at('pki', `${file}.kubeconfig`)
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'lab',
    clusters: [{ name: 'lab', cluster: { server, 'certificate-authority-data': encoded('ca.crt') } }],
    users: [{ name: leaf, user: { 'client-certificate-data': encoded(`${leaf}.crt`), 'client-key-data': encoded(`${leaf}.key`) } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: leaf } }],
  }
  writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 })
  return path
}
