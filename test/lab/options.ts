import { parseArgs } from 'node:util'

/** How kube-proxy programs Services. */
export const proxies = ['iptables', 'nftables'] as const
/** What Felix programs: iptables by the legacy or the nft backend, or nftables itself. */
export const felixes = ['legacy', 'nft', 'native'] as const
/** How Calico stores its objects: native v3 CRDs, behind its aggregated API server, or the storage CRDs alone. */
export const flavours = ['native', 'aggregated', 'storage'] as const
/**
 * Cluster shapes: the home cluster; three control-plane nodes and etcd members behind an API VIP; nodes with a second NIC, one of them with a bridge as
 * its first; IPv4 and IPv6; an API port that is no failsafe.
 */
export const shapes = ['home', 'ha', 'two-nic', 'dual', 'odd-port'] as const

/** One cell of the lab's table. */
export interface Variant {
  readonly shape: (typeof shapes)[number]
  readonly nodes: number
  readonly proxy: (typeof proxies)[number]
  readonly felix: (typeof felixes)[number]
  readonly flavour: (typeof flavours)[number]
  /** Felixes ask Typha instead of the API server. */
  readonly typha?: true
}

/** The cell one gets without asking. */
export const defaultVariant: Variant = { shape: 'home', nodes: 3, proxy: 'iptables', felix: 'legacy', flavour: 'native' }

/** `home3-iptables-legacy-native`: a variant's name in files and tables. */
export const variantName = ({ shape, nodes, proxy, felix, flavour, typha }: Variant): string =>
  `${shape}${nodes}${typha === true ? '+typha' : ''}-${proxy}-${felix}-${flavour}`

/** Flags that choose a variant, for `parseArgs`. */
const variantFlags = {
  shape: { type: 'string' },
  nodes: { type: 'string' },
  proxy: { type: 'string' },
  felix: { type: 'string' },
  flavour: { type: 'string' },
  typha: { type: 'boolean' },
} as const

/**
 * Reads a variant from flags; flags that are not given keep the default.
 * @throws Error naming the flag and what it takes
 */
export const parseVariant = (argv: readonly string[]): Variant => {
  const { values } = parseArgs({ args: [...argv], options: variantFlags, strict: true })
  const shape = oneOf('shape', shapes, values.shape)
  const nodes = Number(values.nodes ?? nodesOf(shape))
  if (!Number.isInteger(nodes) || nodes < 2 || nodes > 5) throw new Error('--nodes takes 2 to 5')
  return {
    shape,
    nodes,
    proxy: oneOf('proxy', proxies, values.proxy),
    felix: oneOf('felix', felixes, values.felix),
    flavour: oneOf('flavour', flavours, values.flavour),
    ...(values.typha === true ? { typha: true } : {}),
  }
}

/** How many nodes a shape has without asking. */
export const nodesOf = (shape: Variant['shape']): number => (shape === 'ha' ? 5 : defaultVariant.nodes)

const oneOf = <K extends 'shape' | 'proxy' | 'felix' | 'flavour'>(flag: K, known: readonly Variant[K][], text: string | undefined): Variant[K] => {
  if (text === undefined) return defaultVariant[flag]
  const found = known.find((value) => value === text)
  if (found === undefined) throw new Error(`--${flag} takes ${known.join(' | ')}`)
  return found
}
