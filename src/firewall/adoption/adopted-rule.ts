import { readNet } from '../../calico/nets.ts'
import { type Labels, matches, parseSelector, unlessBadSelector } from '../../calico/selector.ts'
import type { EntityRule, HostEndpoint, NetworkSet, Rule } from '../../calico/shapes.ts'
import { type Address, addressOf } from '../../net/address.ts'
import { cidrsOf } from '../../net/address-set.ts'
import { type AddressRange, type Cidr, mergeCidrs, parseCidr, rangeOf } from '../../net/cidr.ts'
import { type PortRange, type Protocol, portProtocols } from '../../net/port.ts'
import type { AllowEntry } from '../file/host-firewall.ts'

/** What a rule of another's firewall is in a file of ours. */
export type RuleMeaning =
  /** Nodes, ICMP: every firewall of ours lets these in. */
  | { readonly kind: 'built-in' }
  | { readonly kind: 'trust'; readonly nets: readonly Cidr[] }
  | { readonly kind: 'entry'; readonly entry: Omit<AllowEntry, 'name'> }
  | { readonly kind: 'left-out'; readonly why: string }

/** What selectors of rules may mean. */
export interface RuleContext {
  readonly hostEndpoints: readonly HostEndpoint[]
  readonly networkSets: readonly NetworkSet[]
  readonly nodeAddresses: ReadonlySet<Address>
}

const builtIn: RuleMeaning = { kind: 'built-in' }
const leftOut = (why: string): RuleMeaning => ({ kind: 'left-out', why })
const loopback = rangeOf(parseCidr('127.0.0.0/8'))

/** Reads one ingress rule; what it says beyond addresses, ports and protocols has no word in the file. */
export const ruleMeaning = (rule: Rule, context: RuleContext): RuleMeaning => {
  const { action, source = {}, destination = {} } = rule
  if (action === 'Log') return builtIn
  if (action !== 'Allow') return leftOut(`a ${action} before other rules; the file only lists what is allowed`)
  const beyond = beyondWords(rule)
  if (beyond !== undefined) return leftOut(`${beyond} has no word in the file`)
  const protocols = protocolsOf(rule)
  if (protocols === 'icmp') return builtIn
  if (protocols === undefined) return leftOut(`protocol ${rule.protocol} has no word in the file`)
  const from = isOfNodes(source, context) ? 'nodes' : netsOf(source, context)
  if (from === 'nothing') return leftOut(`its source selector ${source.selector} finds no HostEndpoint and no set`)
  if (from === 'nodes') return builtIn
  const to = netsOf(destination, context)
  if (to === 'nothing') return leftOut(`its destination selector ${destination.selector} finds no HostEndpoint and no set`)
  if (to !== 'any' && to !== 'nodes' && to.every((net) => isLoopback(net))) return leftOut('127.0.0.0/8 stays closed to packets that come in by wire')
  if (to === 'any' && rule.protocol === undefined) return from === 'any' ? leftOut('it lets everything in') : { kind: 'trust', nets: from }
  const ports = portsOf(destination.ports ?? [])
  if (ports === undefined) return leftOut(`port names (${destination.ports?.join(', ')}) have no word in the file`)
  return {
    kind: 'entry',
    entry: {
      to: to === 'any' || to === 'nodes' ? { nodes: true } : { nets: to },
      ...(from === 'any' ? {} : { from: { nets: from } }),
      traffic: protocols.map((protocol) => ({ protocol, ports })),
    },
  }
}

const beyondWords = ({ action: _, protocol: __, source, destination, ...rest }: Rule): string | undefined => {
  const { metadata: ___, ...conditions } = rest as Record<string, unknown>
  const odd = Object.entries(conditions).find(([, value]) => value !== undefined)
  if (odd !== undefined) return odd[0]
  if (source?.ports !== undefined) return 'source.ports'
  for (const [side, entity] of Object.entries({ source, destination })) {
    if (entity?.nets !== undefined && entity.selector) return `${side}.selector beside nets`
    const known = ['nets', 'selector', ...(side === 'destination' ? ['ports'] : [])]
    const field = Object.entries(entity ?? {}).find(
      ([key, value]) => value !== undefined && value !== '' && !known.includes(key) && !(key === 'namespaceSelector' && value === 'global()'),
    )
    if (field !== undefined) return `${side}.${field[0]}`
  }
  return undefined
}

const numbers: Readonly<Record<string, string>> = { '1': 'ICMP', '6': 'TCP', '17': 'UDP', '58': 'ICMPV6', '132': 'SCTP' }

/** The protocols a rule names; all that carry ports where it names none; `icmp`, which is always let in. */
const protocolsOf = ({ protocol }: Rule): readonly Protocol[] | 'icmp' | undefined => {
  if (protocol === undefined) return portProtocols
  const name = numbers[`${protocol}`] ?? `${protocol}`.toUpperCase()
  if (name === 'ICMP' || name === 'ICMPV6') return 'icmp'
  const known = portProtocols.find((one) => one === name)
  if (known !== undefined) return [known]
  if (name === 'UDPLITE') return [136]
  return /^\d+$/.test(name) ? [Number(name)] : undefined
}

/** The addresses one side of a rule means: `nodes` where its selector finds these alone, `nothing` where it finds none. */
const netsOf = (side: EntityRule, context: RuleContext): 'any' | 'nodes' | 'nothing' | Cidr[] => {
  if (side.nets === undefined && !side.selector) return 'any'
  if (side.selector && isOfNodes(side, context)) return 'nodes'
  const ranges = rangesOf(side, context)
  return ranges.length === 0 ? 'nothing' : mergeCidrs(ranges.flatMap(cidrsOf))
}

const rangesOf = ({ nets, selector }: EntityRule, context: RuleContext): AddressRange[] =>
  (selector ? selectedNets(selector, context) : (nets ?? [])).flatMap((net) => readNet(net) ?? [])

/** Whether it means nodes' own addresses and no other: those every firewall of ours lets in. */
const isOfNodes = (side: EntityRule, context: RuleContext): boolean => {
  const ranges = rangesOf(side, context)
  return ranges.length > 0 && ranges.every(({ family, first, last }) => first === last && context.nodeAddresses.has(addressOf(family, first)))
}

const selectedNets = (text: string, { hostEndpoints, networkSets }: RuleContext): string[] => {
  const isSelected = (labels: Labels): boolean => unlessBadSelector(() => matches(parseSelector(text), labels)) === true
  return [
    ...hostEndpoints.filter(({ metadata }) => isSelected(metadata.labels ?? {})).flatMap(({ spec }) => spec.expectedIPs ?? []),
    ...networkSets
      .filter(({ kind, metadata }) => kind === 'GlobalNetworkSet' && isSelected(metadata.labels ?? {}))
      .flatMap(({ spec }) => spec.nets ?? []),
  ]
}

const isLoopback = (net: Cidr): boolean => {
  const { family, first, last } = rangeOf(net)
  return family === loopback.family && loopback.first <= first && last <= loopback.last
}

const portsOf = (ports: readonly (number | string)[]): PortRange[] | undefined => {
  const ranges = ports.map((port) => /^(\d+)(?::(\d+))?$/.exec(`${port}`))
  if (ranges.some((range) => range === null)) return undefined
  return ranges.map((range) => ({ first: Number(range?.[1]), last: Number(range?.[2] ?? range?.[1]) }))
}
