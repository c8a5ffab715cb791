import type { InterfaceFacts, NodeFacts } from '../firewall/facts/facts.ts'
import type { Address } from '../net/address.ts'
import { mergeCidrs } from '../net/cidr.ts'
import { interfaceName } from '../net/interface-name.ts'
import { holds, type NodeObject, type PodObject } from './kube-objects.ts'
import { addressIn, isDistinct, networkIn, networksIn } from './loose-text.ts'

/** What about nodes stands elsewhere than in their Node objects. */
export interface NodeSurroundings {
  /** calico-node's pods by the node they run on. */
  readonly calicoPods: ReadonlyMap<string, PodObject>
  /** Nodes that run a kube-apiserver pod. */
  readonly apiServerNodes: ReadonlySet<string>
  /** Addresses behind Service default/kubernetes. */
  readonly apiAddresses: ReadonlySet<Address>
}

const prefix = 'projectcalico.org/'
/** Calico 3.31 writes every NIC's name and addresses here, where it detects the node's address itself (node/pkg/lifecycle/startup). */
const interfacesKey = `${prefix}Interfaces`
/** Looks like an IPv4 address and is none: the BGP cluster id of a route reflector. */
const clusterIdKey = `${prefix}RouteReflectorClusterID`

/** One Node as facts. A node is of the control plane by its label, or because the API server runs or answers on it. */
export const nodeFacts = (node: NodeObject, { calicoPods, apiServerNodes, apiAddresses }: NodeSurroundings): NodeFacts => {
  const { name, labels = {}, annotations = {} } = node.metadata
  const addresses = (node.status?.addresses ?? []).flatMap(({ type, address }) => {
    const parsed = addressIn(address)
    return parsed !== undefined && (type === 'InternalIP' || type === 'ExternalIP') ? [{ type, address: parsed } as const] : []
  })
  const interfaces = interfacesOf(annotations[interfacesKey], writtenAt(node))
  const networks = mergeCidrs(['IPv4Address', 'IPv6Address'].flatMap((key) => networkIn(annotations[`${prefix}${key}`]) ?? []))
  const labelled = 'node-role.kubernetes.io/control-plane' in labels || 'node-role.kubernetes.io/master' in labels
  const pod = calicoPods.get(name)
  const kubeletPort = node.status?.daemonEndpoints?.kubeletEndpoint?.Port
  return {
    name,
    ready: holds(node.status?.conditions, 'Ready'),
    controlPlane: labelled || apiServerNodes.has(name) || addresses.some(({ address }) => apiAddresses.has(address)),
    operatingSystem: node.status?.nodeInfo?.operatingSystem || labels['kubernetes.io/os'] || 'unknown',
    unschedulable: node.spec?.unschedulable === true,
    labels,
    addresses,
    otherAddresses: otherAddresses(annotations, interfaces, new Set(addresses.map(({ address }) => address))),
    interfaces,
    ...(networks.length === 0 ? {} : { networks }),
    podCidrs: networksIn((node.spec?.podCIDRs ?? [node.spec?.podCIDR ?? '']).join(',')),
    ...(kubeletPort === undefined || kubeletPort === 0 || kubeletPort === 10_250 ? {} : { kubeletPort }),
    ...(pod === undefined ? {} : { calicoNode: calicoNodeOf(pod) }),
  }
}

const calicoNodeOf = ({ metadata, status }: PodObject): NonNullable<NodeFacts['calicoNode']> => ({
  pod: metadata.name,
  namespace: metadata.namespace ?? '',
  ready: holds(status?.conditions, 'Ready'),
  restarts: (status?.containerStatuses ?? []).reduce((sum, { restartCount = 0 }) => sum + restartCount, 0),
})

/** Every address a Calico annotation names: the node's own, tunnels, WireGuard, second NICs. The first annotation to name one is its source. */
const otherAddresses = (
  annotations: Readonly<Record<string, string>>,
  interfaces: readonly InterfaceFacts[],
  known: ReadonlySet<Address>,
): NodeFacts['otherAddresses'] => {
  const annotated = Object.entries(annotations)
    .filter(([key]) => key.startsWith(prefix) && key !== clusterIdKey)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([key, value]) => {
      const address = addressIn(value)
      return address === undefined ? [] : [{ address, source: `annotation ${key}` }]
    })
  const onInterfaces = interfaces.flatMap(({ name, addresses, source }) => addresses.map((address) => ({ address, source: `${source}, ${name}` })))
  const found = new Map<Address, string>()
  for (const { address, source } of [...annotated, ...onInterfaces]) {
    if (!known.has(address) && !found.has(address) && isDistinct(address)) found.set(address, source)
  }
  return [...found].map(([address, source]) => ({ address, source }))
}

/** When the annotation was last written, by the field manager that holds it. */
const writtenAt = ({ metadata }: NodeObject): string | undefined =>
  metadata.managedFields
    ?.flatMap(({ time, fieldsV1 }) => (time !== undefined && JSON.stringify(fieldsV1 ?? {}).includes(`"f:${interfacesKey}"`) ? [time] : []))
    .sort()
    .at(-1)

const interfacesOf = (text: string | undefined, at: string | undefined): InterfaceFacts[] => {
  const parsed = parsedJson(text)
  if (!Array.isArray(parsed)) return []
  return parsed.flatMap((entry: { name?: unknown; addresses?: unknown }) => {
    if (typeof entry?.name !== 'string' || entry.name === '') return []
    const addresses = Array.isArray(entry.addresses)
      ? entry.addresses.flatMap((text: unknown) => (typeof text === 'string' ? (addressIn(text) ?? []) : []))
      : []
    return [{ name: interfaceName(entry.name), addresses, source: `annotation ${interfacesKey}`, ...(at === undefined ? {} : { at }) }]
  })
}

const parsedJson = (text: string | undefined): unknown => {
  try {
    return JSON.parse(text ?? 'null')
  } catch {
    return undefined
  }
}
