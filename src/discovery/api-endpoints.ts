import type { ApiEndpoint, NodeFacts, Unseen } from '../firewall/facts/facts.ts'
import { addressesOf } from '../firewall/objects/network-sets.ts'
import { type Address, isAddress, numberOf, parseAddress } from '../net/address.ts'
import { type Cidr, contains } from '../net/cidr.ts'
import { addressIn, hostPortIn, isDistinct } from './loose-text.ts'

/** One source that says where the API server, or Typha, is reached. */
export interface Claim {
  readonly host: string
  readonly port: number
  readonly source: string
  /** Felix or Typha dials it: then it belongs into the failsafes before anything closes. */
  readonly byFelix: boolean
  /** Typha is dialled by Felix and is no API server. */
  readonly isTypha?: boolean
}

/** A claim made of `https://host:port` or `host:port`; none where there is no host in it. */
export const claimOf = (text: string | undefined, defaultPort: number, source: string, byFelix = false): Claim[] => {
  const found = hostPortIn(text, defaultPort)
  return found === undefined ? [] : [{ ...found, source, byFelix }]
}

/** A claim made of KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, as Felix and Typha are told them. */
export const serviceHostClaim = (env: Readonly<Record<string, string | undefined>>, source: string): Claim[] => {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env
  return host ? [{ host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port || '443'), source, byFelix: true }] : []
}

/** What claims are held against. */
export interface EndpointSurroundings {
  readonly nodes: readonly NodeFacts[]
  readonly serviceCidrs: readonly Cidr[]
  /** All addresses behind a name, as this machine resolves it. */
  readonly lookup: (host: string) => Promise<readonly string[]>
  readonly timeoutMs: number
}

/** The API's endpoints, and those Felix and Typha dial. */
export interface Endpoints {
  readonly apiEndpoints: readonly ApiEndpoint[]
  readonly felixPeers: readonly ApiEndpoint[]
  readonly unseen: readonly Unseen[]
}

/**
 * Merges claims by address and port. ClusterIPs are left out, since policy sees what kube-proxy makes of them; so is loopback, where a proxy on
 * the machine itself leads on to addresses other sources name.
 */
export const endpointsOf = async (claims: readonly Claim[], surroundings: EndpointSurroundings): Promise<Endpoints> => {
  const { nodes, serviceCidrs } = surroundings
  const { byHost, unseen } = await resolved(new Set(claims.map(({ host }) => host)), surroundings)
  const owners = ownersOf(nodes)
  const collect = (wanted: readonly Claim[]): ApiEndpoint[] => {
    const found = new Map<string, { address: Address; port: number; sources: Set<string> }>()
    for (const { host, port, source } of wanted) {
      for (const address of byHost.get(host) ?? []) {
        if (!isDistinct(address) || serviceCidrs.some((cidr) => contains(cidr, address))) continue
        const key = `${address} ${port}`
        const entry = found.get(key) ?? { address, port, sources: new Set() }
        found.set(key, entry)
        entry.sources.add(source)
      }
    }
    return [...found.values()].sort(byAddressAndPort).map(({ address, port, sources }) => {
      const node = owners.get(address)
      return { address, port, sources: [...sources], ...(node === undefined ? {} : { node }) }
    })
  }
  return {
    apiEndpoints: collect(claims.filter(({ isTypha }) => isTypha !== true)),
    felixPeers: collect(claims.filter(({ byFelix }) => byFelix)),
    unseen,
  }
}

const resolved = async (
  hosts: ReadonlySet<string>,
  { lookup, timeoutMs }: EndpointSurroundings,
): Promise<{ byHost: ReadonlyMap<string, readonly Address[]>; unseen: Unseen[] }> => {
  const unseen: Unseen[] = []
  const answers = await Promise.all(
    [...hosts].map(async (host): Promise<[string, readonly Address[]]> => {
      if (isAddress(host)) return [host, [parseAddress(host)]]
      try {
        const addresses = (await withDeadline(lookup(host), timeoutMs)).flatMap((text) => addressIn(text) ?? [])
        if (addresses.length > 0) return [host, addresses]
        unseen.push({ kind: 'api-endpoints', what: `addresses of ${host}`, why: 'the name has none' })
      } catch (error) {
        unseen.push({ kind: 'api-endpoints', what: `addresses of ${host}`, why: error instanceof Error ? error.message : String(error) })
      }
      return [host, []]
    }),
  )
  return { byHost: new Map(answers), unseen }
}

const withDeadline = <Value>(promise: Promise<Value>, ms: number): Promise<Value> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${ms / 1_000} s`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** An address two nodes show (a VIP in the middle of a move) is nobody's. */
const ownersOf = (nodes: readonly NodeFacts[]): ReadonlyMap<Address, string> => {
  const owners = new Map<Address, string>()
  const shared = new Set<Address>()
  for (const node of nodes) {
    for (const address of addressesOf(node)) {
      if (owners.has(address)) shared.add(address)
      owners.set(address, node.name)
    }
  }
  for (const address of shared) owners.delete(address)
  return owners
}

const byAddressAndPort = (one: { address: Address; port: number }, other: { address: Address; port: number }): number => {
  const [a, b] = [numberOf(one.address), numberOf(other.address)]
  return a === b ? one.port - other.port : a < b ? -1 : 1
}
