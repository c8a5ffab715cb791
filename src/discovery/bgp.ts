import type { KubeObject } from '../calico/object.ts'
import type { BgpFacts, BgpPeer } from '../firewall/facts/components.ts'
import type { Address } from '../net/address.ts'
import { addressIn } from './loose-text.ts'

const spec = (object: KubeObject): Readonly<Record<string, unknown>> => (object['spec'] ?? {}) as Readonly<Record<string, unknown>>
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** What is read of Calico's and MetalLB's BGP. */
export interface BgpObjects {
  readonly configurations: readonly KubeObject[]
  readonly calicoPeers: readonly KubeObject[]
  readonly metallbPeers: readonly KubeObject[]
  /** A peer that is a node is the mesh's or a route reflector's. */
  readonly nodeAddresses: ReadonlySet<Address>
}

/** BGP as it is configured. Calico's peers are written `address` or `address:port`; MetalLB calls its peers, and is not called by them but for BFD. */
export const bgpOf = ({ configurations, calicoPeers, metallbPeers, nodeAddresses }: BgpObjects): BgpFacts => {
  const settings = spec(configurations.find(({ metadata }) => metadata.name === 'default') ?? ({} as KubeObject))
  const peer = (object: KubeObject, by: BgpPeer['by'], field: string): BgpPeer[] => {
    const text = textOf(spec(object)[field])
    const address = addressIn(text) ?? addressIn(/^\[?([^\]]+?)\]?:\d+$/.exec(text ?? '')?.[1])
    if (address === undefined || nodeAddresses.has(address)) return []
    const bfd = textOf(spec(object)['bfdProfile']) !== undefined
    return [{ name: object.metadata.name, address, bfd, by, source: `${by === 'Calico' ? 'BGPPeer' : 'MetalLB’s BGPPeer'} ${object.metadata.name}` }]
  }
  return {
    port: typeof settings['listenPort'] === 'number' ? settings['listenPort'] : 179,
    mesh: settings['nodeToNodeMeshEnabled'] !== false,
    peers: [...calicoPeers.flatMap((one) => peer(one, 'Calico', 'peerIP')), ...metallbPeers.flatMap((one) => peer(one, 'MetalLB', 'peerAddress'))],
  }
}
