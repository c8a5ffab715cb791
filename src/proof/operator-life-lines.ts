import type { HostFirewall } from '../firewall/file/host-firewall.ts'
import { isNarrowed } from '../firewall/plan/narrowed-failsafes.ts'
import { type Address, isAddress, parseAddress } from '../net/address.ts'
import { hostCidr } from '../net/cidr.ts'
import type { Cast } from './cast.ts'
import { internal, type LifeLine, meet } from './life-line.ts'

/** Stands for an operator whose address the cluster does not tell: what these reach, everybody does (RFC 5737, RFC 3849). */
const anybody = ['203.0.113.2', '2001:db8:ffff::2'].map(parseAddress)

/** The operator's own ways: to the API, by which every undo goes, and to SSH. Where it is not known by which address we are seen, anybody's. */
export const operatorLifeLines = ({ facts: found, firewall, callers }: Cast): LifeLine[] => {
  const isUnknown = found.operatorAddresses.length === 0 && found.unseen.some(({ kind }) => kind === 'operator-address')
  const facts = isUnknown ? { ...found, operatorAddresses: anybody } : found
  const targets = [...kubeconfigTarget(facts.cluster.server), ...facts.apiEndpoints]
  const unique = targets.filter(({ address, port }, at) => targets.findIndex((one) => one.address === address && one.port === port) === at)
  const api = unique.flatMap(({ address, port }) =>
    meet(facts.operatorAddresses, [address]).map(([source]) => ({
      title: `the operator (${source}) -> API at ${address}:${port}`,
      connection: { source, destination: address, protocol: 'TCP' as const, port },
      why: 'it is the way this tool, and its undo, reach the cluster',
      remedy: remedyFor(port, source, firewall, `${hostCidr(source)} to spec.trustedNets`),
      nodes: [],
    })),
  )
  const ssh = callers.flatMap((node) =>
    meet(facts.operatorAddresses, internal(node)).map(([source, destination]) => ({
      title: `the operator (${source}) -> SSH on ${node.name} (22/tcp)`,
      connection: { source, destination, protocol: 'TCP' as const, port: 22 },
      why: 'it is the last way in when the API is gone',
      remedy: remedyFor(22, source, firewall, `allow 22/tcp to the nodes from ${hostCidr(source)}`),
      nodes: [node.name],
    })),
  )
  return [...api, ...ssh]
}

/** A port the file narrows is no failsafe for others, whatever else the file says. */
const remedyFor = (port: number, source: Address, firewall: HostFirewall, other: string): string =>
  isNarrowed(firewall, { protocol: 'TCP', port })
    ? `add ${hostCidr(source)} to \`from\` of the entry of spec.narrowFailsafes that has port ${port}`
    : `add {protocol: TCP, port: ${port}} to spec.extraFailsafePorts.inbound, or ${other}`

/** A kubeconfig that names a host and no address is covered by the discovered endpoints alone. */
const kubeconfigTarget = (server: string): { address: Address; port: number }[] => {
  const match = /^https?:\/\/(?:\[([^\]]+)\]|([^:/]+))(?::(\d+))?/.exec(server)
  const host = match?.[1] ?? match?.[2] ?? ''
  return isAddress(host) ? [{ address: parseAddress(host), port: Number(match?.[3] ?? 443) }] : []
}
