import type { KubeObject } from '../../calico/object.ts'
import type { InterfaceFacts, IpPoolFacts, NodeFacts, ServiceFacts } from '../../firewall/facts/facts.ts'
import { type Address, isAddress, parseAddress } from '../../net/address.ts'
import { type Cidr, parseCidr } from '../../net/cidr.ts'
import { readStorage } from '../api/calico-view.ts'
import type { ControlPlane } from '../api/control-plane.ts'
import { at, listOf, numberAt, textAt } from '../json.ts'

/** Where everything is: what routing, kube-proxy and a packet's way depend on. Always as it is now; Felix's lag is not in it. */
export interface Geography {
  readonly nodes: readonly NodeFacts[]
  readonly ipPools: readonly IpPoolFacts[]
  readonly services: readonly ServiceFacts[]
}

const geographic = ['nodes', 'pods', 'services', 'endpointslices.discovery.k8s.io', 'ippools.projectcalico.org', 'ippools.crd.projectcalico.org']

/** Whether a change of this table moves anything. */
export const isGeographic = (resource: string): boolean => geographic.includes(resource)

const addresses = (values: readonly unknown[]): Address[] =>
  values.filter((value): value is string => typeof value === 'string' && isAddress(value)).map(parseAddress)

const interfacesOf = (node: KubeObject): InterfaceFacts[] => {
  const written = node.metadata.annotations?.['projectcalico.org/Interfaces']
  const parsed: unknown = written === undefined ? [] : JSON.parse(written)
  return listOf(parsed).map((nic) => ({
    name: textAt(nic, 'name') ?? '',
    addresses: addresses(listOf(at(nic, 'addresses'))),
    source: 'annotation projectcalico.org/Interfaces',
  }))
}

/** A node; `held` are addresses it carries that its Node object does not tell, such as an API VIP. */
const nodeOf = (node: KubeObject, held: ReadonlyMap<string, readonly string[]>): NodeFacts => {
  const { name, labels = {} } = node.metadata
  const status = listOf(at(node, 'status', 'addresses'))
  return {
    ...{ name, labels, ready: true, operatingSystem: 'linux', unschedulable: at(node, 'spec', 'unschedulable') === true },
    controlPlane: labels['node-role.kubernetes.io/control-plane'] !== undefined,
    addresses: (['InternalIP', 'ExternalIP'] as const).flatMap((type) =>
      addresses(status.filter((one) => textAt(one, 'type') === type).map((one) => textAt(one, 'address'))).map((address) => ({ type, address })),
    ),
    otherAddresses: addresses(held.get(name) ?? []).map((address) => ({ address, source: 'held by the node' })),
    interfaces: interfacesOf(node).map((nic, index) =>
      index === 0 ? { ...nic, addresses: [...nic.addresses, ...addresses(held.get(name) ?? [])] } : nic,
    ),
    podCidrs: listOf(at(node, 'spec', 'podCIDRs')).map((cidr) => parseCidr(`${cidr}`)),
  }
}

const endpointsOf = (slices: readonly KubeObject[]): ServiceFacts['endpoints'] =>
  slices.flatMap((slice) =>
    listOf(slice['endpoints'])
      .filter((one) => at(one, 'conditions', 'ready') !== false)
      .flatMap((one) => {
        const node = textAt(one, 'nodeName')
        const ports = listOf(slice['ports']).map((port) => {
          const name = textAt(port, 'name') ?? ''
          return { ...(name === '' ? {} : { name }), port: numberAt(port, 'port') ?? 0 }
        })
        return addresses(listOf(at(one, 'addresses'))).map((address) => ({ address, ports, ...(node === undefined ? {} : { node }) }))
      }),
  )

const serviceOf = (service: KubeObject, slices: readonly KubeObject[]): ServiceFacts => {
  const { namespace = '', name } = service.metadata
  const type = textAt(service, 'spec', 'type')
  const own = slices.filter(({ metadata }) => metadata.namespace === namespace && metadata.labels?.['kubernetes.io/service-name'] === name)
  return {
    ...{ namespace, name, type: type === 'NodePort' || type === 'LoadBalancer' || type === 'ExternalName' ? type : 'ClusterIP' },
    clusterIPs: addresses(listOf(at(service, 'spec', 'clusterIPs'))),
    externalIPs: addresses(listOf(at(service, 'spec', 'externalIPs'))),
    loadBalancerIPs: addresses(listOf(at(service, 'status', 'loadBalancer', 'ingress')).map((one) => textAt(one, 'ip'))),
    externalTrafficPolicy: textAt(service, 'spec', 'externalTrafficPolicy') === 'Local' ? 'Local' : 'Cluster',
    ports: listOf(at(service, 'spec', 'ports')).map((port) => {
      const [portName, nodePort] = [textAt(port, 'name'), numberAt(port, 'nodePort')]
      return {
        ...{ protocol: textAt(port, 'protocol') === 'UDP' ? 'UDP' : 'TCP', port: numberAt(port, 'port') ?? 0 },
        ...(portName === undefined ? {} : { name: portName }),
        ...(nodePort === undefined ? {} : { nodePort }),
      } as const
    }),
    endpoints: endpointsOf(own),
  }
}

const mode = (text: string | undefined): IpPoolFacts['ipipMode'] => (text === 'Always' || text === 'CrossSubnet' ? text : 'Never')

/** Reads the store as the nodes' routing and kube-proxy do. */
export const surveyGeography = ({ store }: ControlPlane, held: ReadonlyMap<string, readonly string[]>): Geography => {
  const slices = store.list('endpointslices.discovery.k8s.io')
  const pools = [...store.list('ippools.projectcalico.org'), ...store.list('ippools.crd.projectcalico.org').map(readStorage)]
  return {
    nodes: store.list('nodes').map((node) => nodeOf(node, held)),
    ipPools: pools.map((pool) => ({
      cidr: parseCidr(textAt(pool, 'spec', 'cidr') ?? '') satisfies Cidr,
      natOutgoing: at(pool, 'spec', 'natOutgoing') === true,
      ipipMode: mode(textAt(pool, 'spec', 'ipipMode')),
      vxlanMode: mode(textAt(pool, 'spec', 'vxlanMode')),
    })),
    services: store.list('services').map((service) => serviceOf(service, slices)),
  }
}
