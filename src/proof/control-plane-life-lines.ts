import type { Facts, NodeFacts, ServiceFacts } from '../firewall/facts/facts.ts'
import { type Address, familyOf, isAddress, parseAddress } from '../net/address.ts'
import type { Cast } from './cast.ts'
import { etcdLifeLines } from './etcd-life-lines.ts'
import { internal, type LifeLine, meet, trustNodes, trustPods } from './life-line.ts'
import { podOf } from './pod-address.ts'
import { apiService, calledServices, typhaServices } from './relevant-services.ts'

/** Everybody to the API, the API server to kubelets, webhooks, aggregated APIs and etcd, and Felix to Typha. */
export const controlPlaneLifeLines = (cast: Cast): LifeLine[] => [
  ...toApi(cast),
  ...toKubelets(cast),
  ...toCallees(cast),
  ...toUrls(cast),
  ...etcdLifeLines(cast),
  ...toTypha(cast),
]

/** Who calls from a node: the node itself, or a pod on it. */
const callersOn = (node: NodeFacts) => [
  ...internal(node).map((address) => ({ who: `node ${node.name}`, address })),
  ...podOf(node).map((address) => ({ who: `a pod on ${node.name}`, address })),
]

/** Where the API is reached: every discovered endpoint, and the ClusterIP of Service default/kubernetes. */
const apiTargets = (facts: Facts): { readonly address: Address; readonly port: number; readonly node?: string }[] => {
  const service = apiService(facts)
  const cluster = service?.clusterIPs.flatMap((address) => service.ports.map(({ port }) => ({ address, port }))) ?? []
  return [...facts.apiEndpoints, ...cluster]
}

const toApi = ({ facts, callers }: Cast): LifeLine[] =>
  callers.flatMap((node) =>
    apiTargets(facts).flatMap(({ address, port, node: owner }) =>
      callersOn(node)
        .filter((caller) => familyOf(caller.address) === familyOf(address))
        .map((caller) => ({
          title: `${caller.who} -> API at ${address}:${port}`,
          connection: { source: caller.address, destination: address, protocol: 'TCP' as const, port },
          why: 'kubelet, kube-proxy, Felix and controllers live on it; a Felix without the API hears of no opening any more',
          remedy: `add {protocol: TCP, port: ${port}} to spec.extraFailsafePorts.inbound`,
          nodes: owner === undefined ? [] : [node.name, owner],
        })),
    ),
  )

const kubeletPort = 10_250
const kubeletOf = (node: NodeFacts): number => node.kubeletPort ?? kubeletPort

const toKubelets = ({ facts, callers }: Cast): LifeLine[] =>
  facts.nodes
    .filter(({ controlPlane }) => controlPlane)
    .flatMap((server) =>
      callers.flatMap((node) =>
        meet(internal(server), internal(node)).map(([source, destination]) => ({
          title: `API server on ${server.name} -> kubelet of ${node.name} (${kubeletOf(node)}/tcp)`,
          connection: { source, destination, protocol: 'TCP' as const, port: kubeletOf(node) },
          why: 'logs, exec, port-forward and the node proxy go this way',
          remedy: trustNodes,
          nodes: [server.name, node.name],
        })),
      ),
    )

/** By the Service, as the API server dials them unless it routes to endpoints itself (--enable-aggregator-routing), and by each endpoint. */
const toCallees = ({ facts }: Cast): LifeLine[] => {
  const servers = facts.nodes.filter(({ controlPlane }) => controlPlane)
  const services = calledServices(facts)
  return (facts.callees ?? []).flatMap(({ caller, namespace, service: name, port }) => {
    const service = services.find((one) => one.namespace === namespace && one.name === name)
    if (service === undefined) return []
    const targets = [...service.clusterIPs.map((address) => ({ address, port })), ...endpointsOf(service, port)]
    return servers.flatMap((server) =>
      targets.flatMap((target) =>
        meet(internal(server), [target.address]).map(([source, destination]) => ({
          title: `API server on ${server.name} -> ${caller}, Service ${namespace}/${name} at ${destination}:${target.port}`,
          connection: { source, destination, protocol: 'TCP' as const, port: target.port },
          why: caller.startsWith('APIService')
            ? 'that API, and the collection of everything in it, hangs on it'
            : 'every write that webhook is asked about hangs on it, ours among them',
          remedy: trustPods,
          nodes: [],
        })),
      ),
    )
  })
}

/** Webhooks by URL, where the file limits what nodes send; one by name is told in the plan, for the name may lead anywhere tomorrow. */
const toUrls = ({ facts, firewall }: Cast): LifeLine[] =>
  (firewall.spec.egress === undefined ? [] : (facts.urlCallees ?? [])).flatMap(({ caller, host, port }) =>
    facts.nodes
      .filter(({ controlPlane }) => controlPlane && isAddress(host))
      .flatMap((server) =>
        meet(internal(server), [parseAddress(host)]).map(([source, destination]) => ({
          title: `API server on ${server.name} -> ${caller} at ${destination}:${port}`,
          connection: { source, destination, protocol: 'TCP' as const, port },
          why: 'every write that webhook is asked about hangs on it, ours among them',
          remedy: 'let no policy of somebody else that selects the HostEndpoints govern egress',
          nodes: [server.name],
        })),
      ),
  )

const endpointsOf = (service: ServiceFacts, port: number): { readonly address: Address; readonly port: number }[] => {
  const name = service.ports.find((one) => one.port === port)?.name ?? ''
  return service.endpoints.flatMap(({ address, ports }) =>
    ports.filter((one) => (one.name ?? '') === name).map((one) => ({ address, port: one.port })),
  )
}

const toTypha = ({ facts, callers }: Cast): LifeLine[] =>
  typhaServices(facts).flatMap((service) =>
    service.endpoints.flatMap(({ address, node: owner, ports }) =>
      ports.flatMap(({ port }) =>
        callers.flatMap((node) =>
          meet(internal(node), [address]).map(([source, destination]) => ({
            title: `Felix on ${node.name} -> Typha at ${destination}:${port}`,
            connection: { source, destination, protocol: 'TCP' as const, port },
            why: 'a Felix without Typha hears of no opening any more',
            remedy: `add {protocol: TCP, port: ${port}} to spec.extraFailsafePorts.inbound`,
            nodes: owner === undefined ? [] : [node.name, owner],
          })),
        ),
      ),
    ),
  )
