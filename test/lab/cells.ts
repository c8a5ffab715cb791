import { defaultVariant, felixes, flavours, nodesOf, proxies, type Variant } from './options.ts'

const cell = (proxy: Variant['proxy'], felix: Variant['felix'], flavour: Variant['flavour']): Variant => ({
  ...defaultVariant,
  proxy,
  felix,
  flavour,
})

/** Every pair of kube-proxy mode, Felix dataplane and Calico flavour meets in one of these; three more shapes, one of them with Typha. */
export const pairwise: readonly Variant[] = [
  cell('iptables', 'legacy', 'native'),
  cell('nftables', 'nft', 'native'),
  cell('nftables', 'native', 'native'),
  cell('nftables', 'legacy', 'aggregated'),
  cell('iptables', 'nft', 'aggregated'),
  cell('iptables', 'native', 'aggregated'),
  cell('iptables', 'legacy', 'storage'),
  cell('nftables', 'nft', 'storage'),
  cell('nftables', 'native', 'storage'),
  { ...cell('iptables', 'nft', 'native'), shape: 'ha', nodes: nodesOf('ha'), typha: true },
  { ...cell('nftables', 'native', 'aggregated'), shape: 'two-nic' },
  { ...cell('iptables', 'legacy', 'native'), shape: 'dual' },
]

/** One more shape, and HA without Typha, where there is time: `--all` has them. */
export const more: readonly Variant[] = [
  { ...cell('nftables', 'nft', 'native'), shape: 'odd-port' },
  { ...cell('iptables', 'nft', 'native'), shape: 'ha', nodes: nodesOf('ha') },
]

/** Every variant of the home shape. */
export const product: readonly Variant[] = proxies.flatMap((proxy) =>
  felixes.flatMap((felix) => flavours.map((flavour) => cell(proxy, felix, flavour))),
)

/**
 * Cells of the default run by the end of their names: in each of the three spreads every Felix dataplane, every flavour of Calico and both kube-proxies
 * meet, so a test that is in one of them has met them all. `--all` runs every test everywhere.
 */
export const spreads = {
  first: ['iptables-legacy-native', 'iptables-nft-aggregated', 'nftables-native-storage'],
  second: ['nftables-nft-native', 'iptables-native-aggregated', 'iptables-legacy-storage'],
  third: ['nftables-native-native', 'nftables-legacy-aggregated', 'nftables-nft-storage'],
} as const
