import type { KubeObject } from '../../calico/object.ts'
import { homeAddresses, type Machine, nodeName, podAddress } from './machines.ts'

interface ServiceSeed {
  readonly namespace: string
  readonly name: string
  readonly spec: Readonly<Record<string, unknown>>
  readonly status?: Readonly<Record<string, unknown>>
}

const service = ({ namespace, name, spec, status }: ServiceSeed): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace, name },
  spec,
  ...(status === undefined ? {} : { status }),
})

/** A slice nobody computes: of a Service without selector. */
const slice = (namespace: string, of: string, ports: readonly { name: string; port: number }[], endpoints: readonly unknown[]): KubeObject => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { namespace, name: namespace === 'default' ? of : `${of}-home`, labels: { 'kubernetes.io/service-name': of } },
  addressType: 'IPv4',
  endpoints,
  ports: ports.map((port) => ({ ...port, protocol: 'TCP' })),
})

/** The Services of the home cluster and the slices no controller makes. */
export const serviceObjects = (machines: readonly Machine[]): KubeObject[] => {
  const web = machines.map((machine) => ({ addresses: [podAddress(machine, 2)], conditions: { ready: true }, nodeName: nodeName(machine) }))
  const controlPlane = machines
    .filter((machine) => machine.controlPlane)
    .map(({ address }) => ({ addresses: [address], conditions: { ready: true } }))
  const app1 = { type: 'NodePort', selector: { app: 'app1' } }
  const http = { name: 'http', port: 80, nodePort: 30_880 }
  const https = { name: 'https', port: 443, targetPort: 80, nodePort: 30_843 }
  return [
    service({ namespace: 'default', name: 'kubernetes', spec: { clusterIP: '10.233.0.1', ports: [{ name: 'https', port: 443, targetPort: 6443 }] } }),
    slice('default', 'kubernetes', [{ name: 'https', port: 6443 }], controlPlane),
    service({
      ...{ namespace: 'ingress-nginx', name: 'ingress' },
      spec: { type: 'LoadBalancer', clusterIP: '10.233.10.80', ports: [http, https] },
      status: { loadBalancer: { ingress: [{ ip: homeAddresses.ingressVip, ipMode: 'VIP' }] } },
    }),
    slice(
      'ingress-nginx',
      'ingress',
      [
        { name: 'http', port: 80 },
        { name: 'https', port: 80 },
      ],
      web,
    ),
    service({ namespace: 'app1', name: 'app1', spec: { ...app1, clusterIP: '10.233.11.10', ports: [{ port: 80, nodePort: 31_110 }] } }),
    service({
      ...{ namespace: 'app1', name: 'app1-local' },
      spec: { ...app1, clusterIP: '10.233.11.52', externalTrafficPolicy: 'Local', ports: [{ port: 80, nodePort: 31_852 }] },
    }),
  ]
}
