import type { KubeObject } from '../../src/calico/object.ts'
import { v3 } from '../../src/calico/resources.ts'
import type { GlobalNetworkPolicy, HostEndpoint, NetworkSet } from '../../src/calico/shapes.ts'
import type { ServiceFacts } from '../../src/firewall/facts/facts.ts'
import type { AllowEntry } from '../../src/firewall/file/host-firewall.ts'
import { allowPolicies } from '../../src/firewall/objects/allow-policy.ts'
import { basePolicy } from '../../src/firewall/objects/base-policy.ts'
import { hostEndpoint } from '../../src/firewall/objects/host-endpoints.ts'
import { hostNets, nodesSet, trustedSet } from '../../src/firewall/objects/network-sets.ts'
import { nodesService, toolNamespaceObject } from '../../src/firewall/objects/tool-objects.ts'
import { parseAddress } from '../../src/net/address.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { parsePortRange } from '../../src/net/port.ts'
import type { LabObject, LabRef } from './cluster/api.ts'
import { calicoApiVersion } from './cluster/crds.ts'
import { calicoNamespace } from './cluster/seed.ts'
import type { Lab } from './lab.ts'
import { worldOf } from './truth.ts'

/** A product's object as the lab's flavour takes it: where only the storage CRDs exist, the same spec under their group. */
export const asWritten = (lab: Pick<Lab, 'variant'>, object: KubeObject): LabObject => ({
  ...object,
  apiVersion: object.apiVersion === v3 ? calicoApiVersion(lab.variant.flavour) : object.apiVersion,
  metadata: { ...object.metadata },
})

/** Writes objects of the product one after another, as server-side applies. */
export const write = async (lab: Lab, ...objects: readonly KubeObject[]): Promise<void> => {
  for (const object of objects) await lab.api.apply(asWritten(lab, object))
}

/** Deletes objects, the last one first. */
export const remove = async (lab: Lab, ...objects: readonly KubeObject[]): Promise<void> => {
  for (const object of [...objects].reverse()) await lab.api.delete(refIn(lab, object))
}

/** An object's place in the lab's API. */
export const refIn = (lab: Pick<Lab, 'variant'>, object: KubeObject): LabRef => {
  const { apiVersion, kind, metadata } = asWritten(lab, object)
  return { apiVersion, kind, name: metadata.name, ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }) }
}

/** The home cluster's firewall, of the product's own parts. */
export interface LabFirewall {
  /** Namespace, nodes Service, nodes set, trusted set: in the order they are written. */
  readonly sets: readonly KubeObject[]
  /** Base, and the two VIPs' allows. */
  readonly policies: readonly GlobalNetworkPolicy[]
  /** HostEndpoints of a run, for these nodes or all. */
  hostEndpoints(run: number, nodes?: readonly string[]): HostEndpoint[]
}

/** The parts of the firewall that `examples/home.yaml` makes, without gate and deny; with more openings where asked. */
export const homeFirewall = (lab: Pick<Lab, 'layout' | 'variant'>, more: readonly AllowEntry[] = []): LabFirewall => {
  const { layout } = lab
  const vip = (name: string, address: string, ports: readonly number[]): AllowEntry => ({
    name,
    to: { nets: [parseCidr(`${address}/32`)] },
    traffic: [{ protocol: 'TCP', ports: ports.map((port) => parsePortRange(`${port}`)) }],
  })
  const entries = [vip('ingress', layout.loadBalancer, [80, 443]), vip('api-vip', layout.api.vip, [layout.api.vipPort]), ...more]
  const facts = worldOf(lab).nodes
  return {
    sets: [
      toolNamespaceObject(),
      nodesService({ flavour: 'native', dataplane: 'unknown', namespace: calicoNamespace, nodePodLabels: { 'k8s-app': 'calico-node' } }),
      nodesSet(hostNets([...layout.nodes.map(({ address }) => parseAddress(address)), parseAddress(layout.api.vip)])),
      trustedSet(['10.233.0.0/16']),
    ],
    policies: [basePolicy(calicoNamespace, undefined), ...entries.flatMap((entry, index) => allowPolicies(entry, () => 300 + index / 1000))],
    hostEndpoints: (run, nodes = layout.nodes.map(({ name }) => name)) =>
      layout.nodes
        .filter(({ name }) => nodes.includes(name))
        .flatMap((node) =>
          facts
            .filter(({ name }) => name === node.fqdn)
            .map((fact) =>
              hostEndpoint({ node: fact, interfaceName: node.nic, labels: { 'node-endpoint': 'home' }, verified: true }, run, [
                parseAddress(node.address),
              ]),
            ),
        ),
  }
}

/** The world's Services with the nodes Service among them, as the verdict reads them. */
export const servicesWithNodes = (lab: Pick<Lab, 'layout' | 'variant'>): readonly ServiceFacts[] => [
  ...worldOf(lab).services,
  {
    namespace: calicoNamespace,
    name: 'calico-fw-nodes',
    type: 'ClusterIP',
    clusterIPs: [],
    externalIPs: [],
    loadBalancerIPs: [],
    externalTrafficPolicy: 'Cluster',
    ports: [{ name: 'health', protocol: 'TCP', port: 9099 }],
    endpoints: lab.layout.nodes.map(({ address, fqdn }) => ({ address: parseAddress(address), node: fqdn, ports: [{ name: 'health', port: 9099 }] })),
  },
]

/** Only the NetworkSets among objects, global and namespaced, as the verdict wants them. */
export const networkSetsOf = (objects: readonly KubeObject[]): NetworkSet[] =>
  objects.filter((object): object is NetworkSet => object.kind === 'NetworkSet' || object.kind === 'GlobalNetworkSet')
