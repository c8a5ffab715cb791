import { FwError } from '../errors.ts'
import type { Facts, NodeFacts } from '../firewall/facts/facts.ts'
import { nodeNamed } from '../firewall/facts/node-named.ts'
import { type Address, type Family, familyOf, isAddress, parseAddress } from '../net/address.ts'
import { parsePortSpec } from '../net/port.ts'
import type { Connection } from '../verdict/model.ts'

const fix =
  'write it as: kubectl calico-fw explain 192.168.218.53 192.168.218.174:10250/tcp; nodes also by name, IPv6 as [fd00::1]:22/tcp, ICMP as 192.168.218.174/icmp'

const usage = (what: string): FwError => new FwError('FW_USAGE', what, { fix })

/**
 * `SRC DST:PORT/PROTO` as a connection. Both ends may be addresses or names of nodes; ICMP stands for an echo request, a number for a protocol.
 * @throws FwError FW_USAGE, FW_BAD_PORT
 */
export const parseFlow = ([source = '', target = '']: readonly string[], facts: Pick<Facts, 'nodes'>, via: string | undefined): Connection => {
  const { host, traffic } = destinationOf(target)
  const destinations = addressesNamed(host, facts.nodes)
  const sources = addressesNamed(source, facts.nodes)
  const pair = sources.flatMap((one) => destinations.filter((other) => familyOf(other) === familyOf(one)).map((other) => [one, other] as const))[0]
  if (pair === undefined) throw usage(`${source} and ${host} have no address family in common`)
  const by = via === undefined ? undefined : nodeNamed(via, facts.nodes)
  if (via !== undefined && by === undefined) throw unknownNode(via, facts.nodes)
  const family: Family = familyOf(pair[0])
  return { source: pair[0], destination: pair[1], ...traffic(family), ...(by === undefined ? {} : { via: by.name }) }
}

/**
 * Looks at what can be wrong with a destination without knowing the nodes.
 * @throws FwError FW_USAGE, FW_BAD_PORT
 */
export const destinationOf = (target: string) => {
  const match = /^(?:\[([^\]]+)\]|([^/[\]]+?))(?::([^:/]+))?\/([A-Za-z0-9]+)$/.exec(target)
  const host = match?.[1] ?? match?.[2]
  const [, , , ports, protocol = ''] = match ?? []
  if (host === undefined) throw usage(`"${target}" is not a destination`)
  return { host, traffic: trafficOf(ports, protocol.toLowerCase(), target) }
}

const trafficOf = (
  ports: string | undefined,
  protocol: string,
  target: string,
): ((family: Family) => Pick<Connection, 'protocol' | 'port' | 'icmp'>) => {
  if (protocol === 'icmp' || protocol === 'icmpv6')
    return (family) => ({ protocol: family === 4 ? 'ICMP' : 'ICMPv6', icmp: { type: family === 4 ? 8 : 128, code: 0 } })
  if (/^\d+$/.test(protocol) && ports === undefined && Number(protocol) <= 255) return () => ({ protocol: Number(protocol) })
  if (ports === undefined) throw usage(`"${target}" names no port`)
  const { protocol: name, first, last } = parsePortSpec(`${ports}/${protocol}`)
  if (first !== last) throw usage(`"${target}" is a range, and one packet goes to one port`)
  return () => ({ protocol: name, port: first })
}

const addressesNamed = (text: string, nodes: readonly NodeFacts[]): Address[] => {
  if (isAddress(text)) return [parseAddress(text)]
  const node = nodeNamed(text, nodes)
  if (node === undefined) throw unknownNode(text, nodes)
  return node.addresses.filter(({ type }) => type === 'InternalIP').map(({ address }) => address)
}

const unknownNode = (text: string, nodes: readonly NodeFacts[]): FwError =>
  new FwError('FW_UNKNOWN_NODE', `"${text}" is neither an address nor a node`, {
    why: `the nodes are ${nodes
      .slice(0, 5)
      .map(({ name }) => name)
      .join(', ')}${nodes.length > 5 ? ' …' : ''}`,
    fix,
  })
