import * as v from 'valibot'
import { FwError } from '../errors.ts'
import type { Components } from '../firewall/facts/components.ts'
import { type Facts, factsVersion, type NodeFacts, unseenKinds } from '../firewall/facts/facts.ts'
import type { Inspection } from '../firewall/facts/inspection.ts'
import { type Address, isAddress, parseAddress } from '../net/address.ts'
import { type Cidr, parseCidr } from '../net/cidr.ts'
import { portProtocols } from '../net/port.ts'

const text = v.string()
const texts = v.array(text)
const labels = v.record(text, text)
const port = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65535))
const portRange = v.object({ first: port, last: port })

/** Facts were written by us: only canonical texts are in them, so anything else is a hand's mistake. */
const address = v.custom<Address>((input) => typeof input === 'string' && isAddress(input) && parseAddress(input) === input, 'is not an address')
const cidr = v.custom<Cidr>((input) => typeof input === 'string' && isCanonicalCidr(input), 'is not a CIDR')

const metadata = v.looseObject({
  name: text,
  namespace: v.exactOptional(text),
  labels: v.exactOptional(labels),
  annotations: v.exactOptional(labels),
})
const kubeObject = v.looseObject({ apiVersion: text, kind: text, metadata })
const withSpec = v.looseObject({ ...kubeObject.entries, spec: v.looseObject({}) })

const endpoint = v.object({ address, port, sources: texts, node: v.exactOptional(text) })
const failsafes = v.object({
  ports: v.array(v.object({ protocol: text, port, net: v.exactOptional(text) })),
  source: v.variant('kind', [
    v.object({ kind: v.literal('environment'), variable: text }),
    v.object({ kind: v.literal('felixconfiguration'), name: text }),
    v.object({ kind: v.literal('default') }),
  ]),
})

const family = v.picklist([4, 6])
const backend = v.picklist(['iptables-legacy', 'iptables-nft', 'nftables'])
const prefix = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(128))
const inspection = v.object({
  at: v.pipe(text, v.isoTimestamp()),
  source: text,
  interfaces: v.array(
    v.object({
      name: text,
      kind: v.picklist(['nic', 'bond', 'bridge', 'vlan', 'vrf', 'veth', 'tunnel', 'loopback', 'other']),
      up: v.boolean(),
      addresses: v.array(v.object({ address, prefix, floating: v.exactOptional(v.literal(true)) })),
      master: v.exactOptional(text),
      parent: v.exactOptional(text),
      vlanId: v.exactOptional(v.number()),
      members: v.exactOptional(texts),
    }),
  ),
  defaultRoutes: v.array(v.object({ family, device: text, via: v.exactOptional(address) })),
  nodeInterface: v.exactOptional(text),
  hostInput: v.exactOptional(v.array(v.object({ backend, family: v.picklist([4, 6, 'inet']), chain: text, text, bypassed: v.boolean() }))),
  hostInputTotal: v.exactOptional(v.number()),
  backends: v.object({ calico: v.array(backend), kubeProxy: v.array(backend) }),
  sysctls: labels,
  timeServers: v.exactOptional(v.array(address)),
  operatorSeen: v.exactOptional(v.array(address)),
  unseen: texts,
} satisfies Record<keyof Inspection, unknown>)

const node = v.object({
  name: text,
  ready: v.boolean(),
  controlPlane: v.boolean(),
  operatingSystem: text,
  unschedulable: v.boolean(),
  labels,
  addresses: v.array(v.object({ type: v.picklist(['InternalIP', 'ExternalIP']), address })),
  otherAddresses: v.array(v.object({ address, source: text })),
  interfaces: v.array(v.object({ name: text, addresses: v.array(address), source: text, at: v.exactOptional(text) })),
  networks: v.exactOptional(v.array(cidr)),
  podCidrs: v.array(cidr),
  kubeletPort: v.exactOptional(port),
  calicoNode: v.exactOptional(v.object({ pod: text, namespace: text, ready: v.boolean(), restarts: v.number() })),
  inspected: v.exactOptional(inspection),
} satisfies Record<keyof NodeFacts, unknown>)

const service = v.object({
  namespace: text,
  name: text,
  type: v.picklist(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName']),
  clusterIPs: v.array(address),
  externalIPs: v.array(address),
  loadBalancerIPs: v.array(address),
  externalTrafficPolicy: v.picklist(['Cluster', 'Local']),
  internalTrafficPolicy: v.exactOptional(v.literal('Local')),
  loadBalancerSourceRanges: v.exactOptional(v.array(cidr)),
  healthCheckNodePort: v.exactOptional(port),
  ports: v.array(v.object({ name: v.exactOptional(text), protocol: v.picklist(portProtocols), port, nodePort: v.exactOptional(port) })),
  endpoints: v.array(v.object({ address, node: v.exactOptional(text), ports: v.array(v.object({ name: v.exactOptional(text), port })) })),
})

const encapsulation = v.picklist(['Never', 'Always', 'CrossSubnet'])

const sourced = { name: text, source: text }
const components = v.object({
  distribution: v.object(sourced),
  calicoOwner: v.object(sourced),
  felixSettings: v.array(v.object({ ...sourced, value: text })),
  etcd: v.exactOptional(
    v.object({ members: v.array(v.object({ address, port, node: v.exactOptional(text) })), peerPorts: v.array(port), source: text }),
  ),
  bgp: v.object({
    port,
    mesh: v.boolean(),
    peers: v.array(v.object({ ...sourced, address, bfd: v.boolean(), by: v.picklist(['Calico', 'MetalLB']) })),
  }),
  programs: v.array(
    v.object({
      ...sourced,
      kind: v.picklist(['MetalLB', 'kube-vip', 'keepalived', 'HAProxy']),
      nodes: v.exactOptional(texts),
      ports: v.array(v.object({ protocol: v.picklist([...portProtocols, 112]), port: v.exactOptional(port) })),
      vip: v.exactOptional(address),
    }),
  ),
  timeServers: v.array(address),
  unavailableApis: texts,
  operator: v.object({
    via: v.picklist(['direct', 'proxy', 'tunnel']),
    confirmed: v.array(address),
    looked: v.boolean(),
    jumpedFrom: v.exactOptional(address),
  }),
} satisfies Record<keyof Components, unknown>)

const schema = v.strictObject({
  apiVersion: v.literal(factsVersion),
  kind: v.literal('Facts'),
  gatheredAt: v.pipe(text, v.isoTimestamp()),
  cluster: v.object({ context: text, server: text, uid: text, kubernetesVersion: text }),
  calico: v.object({
    flavour: v.picklist(['native', 'aggregated', 'storage', 'etcd', 'migrating']),
    version: v.exactOptional(text),
    dataplane: v.picklist(['iptables', 'nftables', 'bpf', 'unknown']),
    namespace: text,
    nodePodLabels: labels,
  }),
  kubeProxy: v.object({
    mode: v.picklist(['iptables', 'ipvs', 'nftables', 'none', 'unknown']),
    nodePortRange: portRange,
    source: text,
    nodePortAddresses: v.exactOptional(texts),
  }),
  nodes: v.array(node),
  podCidrs: v.array(cidr),
  ipPools: v.exactOptional(v.array(v.object({ cidr, natOutgoing: v.boolean(), ipipMode: encapsulation, vxlanMode: encapsulation }))),
  serviceCidrs: v.array(cidr),
  services: v.array(service),
  hostPorts: v.exactOptional(
    v.array(v.object({ node: text, hostIP: v.exactOptional(address), protocol: v.picklist(portProtocols), hostPort: port, pod: address, port })),
  ),
  urlCallees: v.exactOptional(v.array(v.object({ caller: text, host: text, port }))),
  callees: v.exactOptional(v.array(v.object({ caller: text, namespace: text, service: text, port }))),
  components: v.exactOptional(components),
  apiEndpoints: v.array(endpoint),
  felixPeers: v.array(endpoint),
  failsafes: v.record(text, v.object({ inbound: failsafes, outbound: failsafes })),
  felixConfigurations: v.array(kubeObject),
  hostEndpoints: v.array(withSpec),
  policies: v.array(withSpec),
  networkSets: v.array(withSpec),
  tiers: v.array(kubeObject),
  duplicates: v.array(v.object({ kind: text, v3: text, storage: text })),
  gateWebhooks: v.array(v.object({ name: text, resources: texts, failurePolicy: text })),
  own: v.array(kubeObject),
  operatorAddresses: v.array(address),
  unseen: v.array(v.object({ kind: v.picklist(unseenKinds), what: text, why: text, nodes: v.exactOptional(texts) })),
} satisfies Record<keyof Facts, unknown>)

/**
 * Reads facts saved as JSON.
 * @throws FwError FW_BAD_FILE naming the first field that is wrong
 */
export const parseFacts = (json: string): Facts => {
  const value = parsedJson(json)
  const result = v.safeParse(schema, value)
  // The schema checks the fields of Calico's objects that every reader relies on; the rest is kept as it is, as from the cluster.
  if (result.success) return value as Facts
  const [issue] = result.issues
  const where = v.getDotPath(issue) ?? 'the whole'
  throw new FwError('FW_BAD_FILE', `these facts cannot be used: ${where} ${issue.message.replace(/^Invalid/, 'is wrong: invalid')}`, { fix })
}

/** Facts as JSON, ending in a newline. */
export const formatFacts = (facts: Facts): string => `${JSON.stringify(facts, null, 2)}\n`

const fix = 'save them again from the cluster, with this version of the tool'

const parsedJson = (json: string): unknown => {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new FwError('FW_BAD_FILE', 'these facts cannot be used: they are no JSON', {
      why: cause instanceof Error ? cause.message : String(cause),
      fix,
      cause,
    })
  }
}

const isCanonicalCidr = (input: string): boolean => {
  try {
    return parseCidr(input) === input
  } catch {
    return false
  }
}
