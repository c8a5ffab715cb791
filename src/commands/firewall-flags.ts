import { FwError } from '../errors.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import { interfaceGroups, selectorOf } from '../firewall/facts/interface-groups.ts'
import { nodeNamed } from '../firewall/facts/node-named.ts'
import { closest } from '../firewall/file/did-you-mean.ts'
import { parseHostFirewall } from '../firewall/file/firewall-file.ts'
import { formatHostFirewall } from '../firewall/file/firewall-text.ts'
import {
  type AllowEntry,
  type ExtraFailsafe,
  firewallApiVersion,
  type HostFirewall,
  type InterfaceSelection,
  type Traffic,
} from '../firewall/file/host-firewall.ts'
import { doorsOf } from '../firewall/plan/openings.ts'
import { vipEntry, vipFailsafes } from '../firewall/plan/vip-entry.ts'
import { parseAddress } from '../net/address.ts'
import { type Cidr, parseCidr } from '../net/cidr.ts'
import { type PortSpec, parsePortRange, parsePortSpec, portProtocols } from '../net/port.ts'

/** A firewall as flags say it. `none` in a list means that there is none, and that nobody need be asked. */
export interface FirewallFlags {
  readonly interfaces?: readonly string[]
  readonly trust?: readonly string[]
  readonly vips?: readonly string[]
  readonly open?: readonly string[]
  readonly failsafes?: readonly string[]
  readonly nodePorts?: string
}

/**
 * The firewall that flags describe, checked as strictly as a file.
 * @throws FwError FW_BAD_CIDR, FW_BAD_PORT, FW_BAD_ADDRESS, FW_BAD_FAILSAFE, FW_BAD_FILE, FW_UNKNOWN_NODE, FW_USAGE
 */
export const firewallOf = (flags: FirewallFlags, facts: Facts, name: string): HostFirewall => {
  const taken = new Set<string>()
  const named = (entry: AllowEntry): AllowEntry => {
    taken.add(entry.name)
    return entry
  }
  const allow = [
    ...listOf(flags.vips).map((text) => named(inFlag('--vip', () => vipOf(text, taken)))),
    ...inFlag('--node-ports', () => nodePortsOf(flags.nodePorts ?? 'close', facts)).map(named),
    ...listOf(flags.open).map((text) => named(inFlag('--open', () => openOf(text, taken)))),
  ]
  const firewall: HostFirewall = {
    apiVersion: firewallApiVersion,
    kind: 'HostFirewall',
    metadata: { name },
    spec: {
      interfaces: interfacesOf(listOf(flags.interfaces), facts, name),
      trustedNets: listOf(flags.trust).map((text) => inFlag('--trust', () => parseCidr(text))),
      allow,
      extraFailsafePorts: { inbound: failsafesOf(listOf(flags.failsafes)), outbound: [] },
    },
  }
  // What the file may not say, flags may not say either.
  return parseHostFirewall(formatHostFirewall(firewall), 'the flags')
}

/** What a value parser says, with the flag before it. */
const inFlag = <Value>(flag: string, parse: () => Value): Value => {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof FwError) || error.message.startsWith('--')) throw error
    const { code, message, why, fix, cause } = error
    throw new FwError(code, `${flag}: ${message}`, { ...(why === undefined ? {} : { why }), ...(fix === undefined ? {} : { fix }), cause })
  }
}

/** The command line that says the same without a question. */
export const flagsAsWords = (flags: FirewallFlags): string[] => [
  ...words('--interface', flags.interfaces),
  ...words('--trust', flags.trust),
  ...words('--vip', flags.vips),
  ...words('--open', flags.open),
  ...words('--failsafe', flags.failsafes),
  ...(flags.nodePorts === undefined ? [] : ['--node-ports', flags.nodePorts]),
]

const words = (flag: string, values: readonly string[] | undefined): string[] => {
  if (values === undefined) return []
  return values.length === 0 ? [flag, 'none'] : values.flatMap((value) => [flag, value])
}

const listOf = (values: readonly string[] = []): readonly string[] => (values.length === 1 && values[0] === 'none' ? [] : values)

/** `ens160` for every node that has it, or `ws1=ens160` for one node. */
const interfacesOf = (values: readonly string[], { nodes }: Facts, firewall: string): InterfaceSelection[] => {
  const everywhere = values.filter((value) => !value.includes('='))
  const labels = { 'node-endpoint': firewall }
  const byNode = new Map<string, string[]>()
  for (const value of values.filter((one) => one.includes('='))) {
    const [node = '', nic = ''] = value.split('=')
    const name = nodeNamed(node, nodes)?.name ?? node
    byNode.set(name, [...(byNode.get(name) ?? []), nic])
  }
  const single = [...byNode].map(([node, names]): InterfaceSelection => {
    const found = nodeNamed(node, nodes)
    if (found === undefined)
      throw unknownNode(
        node,
        nodes.map((one) => one.name),
      )
    const hostname = found.labels['kubernetes.io/hostname'] ?? found.name
    return { nodeSelector: { matchLabels: { 'kubernetes.io/hostname': hostname } }, names, labels }
  })
  const grouped = interfaceGroups(everywhere, nodes).map(
    (group): InterfaceSelection => ({ nodeSelector: selectorOf(group.nodes, nodes), names: group.names, labels }),
  )
  // Where no node is known nobody can say which has what.
  return [...(everywhere.length > 0 && grouped.length === 0 ? [{ nodeSelector: {}, names: everywhere, labels }] : grouped), ...single]
}

const unknownNode = (node: string, known: readonly string[]): FwError => {
  const meant = closest(node, known)
  return new FwError('FW_UNKNOWN_NODE', `there is no node "${node}"`, {
    why: `the cluster has ${known.slice(0, 8).join(', ')}${known.length > 8 ? ` and ${known.length - 8} more` : ''}`,
    fix: meant === undefined ? 'see them: kubectl get nodes' : `did you mean ${meant}?`,
  })
}

/** `192.168.218.180:80/tcp,443/tcp` or `[2001:db8::1]:443/tcp`. */
const vipOf = (text: string, taken: ReadonlySet<string>): AllowEntry => {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(.+)$/.exec(text)
  if (match === null) {
    throw new FwError('FW_USAGE', `--vip "${text}" is not an address with ports`, {
      fix: 'write --vip 192.168.218.180:80/tcp,443/tcp, or --vip [2001:db8::1]:443/tcp',
    })
  }
  const [, six, four, ports = ''] = match
  return vipEntry({ address: parseAddress(six ?? four ?? ''), ports: ports.split(',').map(parsePortSpec), from: [] }, taken)
}

/** `31110/tcp` or `31110/tcp@192.168.218.53/32,10.0.0.0/8`. */
const openOf = (text: string, taken: ReadonlySet<string>): AllowEntry => {
  const [port = '', sources, ...rest] = text.split('@')
  if (rest.length > 0 || sources === '')
    throw new FwError('FW_USAGE', `--open "${text}" is not a port with sources`, { fix: 'write --open 31110/tcp@192.168.218.53/32' })
  const spec = parsePortSpec(port)
  const from: Cidr[] = sources?.split(',').map(parseCidr) ?? []
  const stem = `open-${port.toLowerCase().replace('/', '-')}`
  const name = [stem, ...Array.from({ length: taken.size + 1 }, (_, at) => `${stem}-${at + 2}`)].find((one) => !taken.has(one)) ?? stem
  return { name, to: { nodes: true }, ...(from.length === 0 ? {} : { from: { nets: from } }), traffic: trafficOf([spec]) }
}

/** `close`, `open`, or ports: `31110,31852/udp`; a bare port has the protocol of its Service, else tcp. */
const nodePortsOf = (text: string, facts: Facts): AllowEntry[] => {
  if (text === 'close') return []
  if (text === 'open') {
    const range = facts.kubeProxy.nodePortRange
    return [{ name: 'node-ports', to: { nodes: true }, traffic: (['TCP', 'UDP'] as const).map((protocol) => ({ protocol, ports: [range] })) }]
  }
  if (!/^\d/.test(text))
    throw new FwError('FW_USAGE', `--node-ports "${text}" is not known`, {
      fix: 'write --node-ports close, open, or ports: --node-ports 31110,31852/udp',
    })
  const doors = doorsOf(facts)
  const specs = text.split(',').flatMap((one): PortSpec[] => {
    if (one.includes('/')) return [parsePortSpec(one)]
    const range = parsePortRange(one)
    const protocols = [
      ...new Set(
        doors.filter(({ address, port }) => address === undefined && range.first <= port && port <= range.last).map(({ protocol }) => protocol),
      ),
    ]
    return (protocols.length === 0 ? (['TCP'] as const) : protocols).map((protocol) => ({ protocol, ...range }))
  })
  return [{ name: 'node-ports', to: { nodes: true }, traffic: trafficOf(specs) }]
}

/** A failsafe is one tcp or udp port for everyone: a source makes no sense there. */
const failsafesOf = (values: readonly string[]): ExtraFailsafe[] =>
  values.flatMap((text) => {
    if (text.includes('@')) {
      throw new FwError('FW_BAD_FAILSAFE', `--failsafe "${text}" names a source`, {
        why: 'a failsafe is open to everyone: another entry cannot narrow it',
        fix: `write --open ${text} instead`,
      })
    }
    return inFlag('--failsafe', () => vipFailsafes({ address: parseAddress('0.0.0.0'), ports: [parsePortSpec(text)], from: [] }))
  })

const trafficOf = (specs: readonly PortSpec[]): Traffic[] =>
  portProtocols.flatMap((protocol) => {
    const ports = specs.filter((one) => one.protocol === protocol).map(({ first, last }) => ({ first, last }))
    return ports.length === 0 ? [] : [{ protocol, ports }]
  })
