import type { InterfaceFacts, NodeFacts, Unseen } from '../firewall/facts/facts.ts'
import type { InspectedInterface, Inspection } from '../firewall/facts/inspection.ts'
import { type Cidr, mergeCidrs, networkOf } from '../net/cidr.ts'
import type { Inspections } from './inspect-nodes.ts'
import { isDistinct } from './loose-text.ts'

/** Interfaces of pods, tunnels and container engines, which no HostEndpoint is for; after the list Calico itself leaves out (node/pkg/lifecycle/startup). */
const notOutward =
  /^(lo$|cali|tunl|vxlan(-v6)?\.calico|wireguard\.cali|wg-v6\.cali|bpf(in|out)\.cali|docker|cbr|dummy|virbr|lxcbr|veth|br-|cni|flannel|nodelocaldns|kube-ipvs|kube-bridge|podman)/

/**
 * A node with what a look into it found: the kernel's own word on interfaces replaces the annotation's, which may be stale and has no prefix lengths.
 * Floating addresses belong to no node.
 */
export const withInspection = (node: NodeFacts, inspection: Inspection): NodeFacts => {
  if (inspection.interfaces.length === 0) return { ...node, inspected: inspection }
  const outward = inspection.interfaces.filter(({ name }) => name === inspection.nodeInterface || !notOutward.test(name))
  const interfaces = outward.flatMap((one): InterfaceFacts[] => {
    const addresses = ownOf(one)
    return addresses.length === 0
      ? []
      : [{ name: one.name, addresses: addresses.map(({ address }) => address), source: inspection.source, at: inspection.at }]
  })
  const floating = new Set(outward.flatMap(({ addresses }) => addresses.filter((one) => one.floating).map(({ address }) => address)))
  const onStatus = new Set(node.addresses.map(({ address }) => address))
  const others = new Map(node.otherAddresses.filter(({ address }) => !floating.has(address)).map((one) => [one.address, one.source]))
  for (const { name, addresses } of interfaces) {
    for (const address of addresses) if (!onStatus.has(address) && !others.has(address)) others.set(address, `${inspection.source}, ${name}`)
  }
  const networks = mergeCidrs([...(node.networks ?? []), ...outward.flatMap(networksOf)])
  return {
    ...node,
    interfaces: interfaces.length === 0 ? node.interfaces : interfaces,
    otherAddresses: [...others].map(([address, source]) => ({ address, source })),
    ...(networks.length === 0 ? {} : { networks }),
    inspected: inspection,
  }
}

/** What could not be seen of the nodes themselves, grouped by reason. */
export const unseenOfNodes = ({ found, missing }: Inspections): Unseen[] => {
  const reasons = new Map<string, string[]>()
  const native = new Map<string, string[]>()
  const hiddenInterfaces = new Map<string, string[]>()
  const note = (of: Map<string, string[]>, name: string, why: string): void => void of.set(why, [...(of.get(why) ?? []), name])
  for (const [name, why] of missing) note(reasons, name, why)
  for (const [name, { hostInput, unseen }] of found) {
    // Where a backend could not be read the firewall may stand right there. In native nftables it would hold all the same.
    const hidden = unseen.filter((text) => !/^(ip|nft) /.test(text))
    const addresses = unseen.find((text) => text.startsWith('ip -j '))
    if (addresses !== undefined) note(hiddenInterfaces, name, addresses)
    const [nft] = unseen.filter((text) => text.startsWith('nft '))
    if (hostInput === undefined || hidden.length > 0) note(reasons, name, hidden[0] ?? nft ?? 'its rules were not shown')
    else if (nft !== undefined) note(native, name, nft)
  }
  return [
    ...[...reasons].map(([why, nodes]): Unseen => ({ kind: 'host-input-rules', what: `INPUT rules of ${someOf(nodes)}`, why, nodes })),
    ...[...hiddenInterfaces].map(([why, nodes]): Unseen => ({ kind: 'interfaces', what: `interfaces of ${someOf(nodes)}`, why, nodes })),
    ...[...native].map(([why, nodes]): Unseen => ({ kind: 'other', what: `nftables rules of ${someOf(nodes)}`, why, nodes })),
  ]
}

/** The first three names, and how many more there are. */
export const someOf = (names: readonly string[]): string =>
  `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`

const ownOf = ({ addresses }: InspectedInterface) => addresses.filter(({ address, floating }) => floating !== true && isDistinct(address))

const networksOf = (one: InspectedInterface): Cidr[] => ownOf(one).map(({ address, prefix }) => networkOf(address, prefix))
