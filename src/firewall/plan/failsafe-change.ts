import { type Direction, defaultFailsafes, type FailsafeSource, followsDefault } from '../../calico/failsafes.ts'
import { names } from '../../calico/names.ts'
import { readNet } from '../../calico/nets.ts'
import { v3 } from '../../calico/resources.ts'
import type { FailsafePort, FelixConfiguration } from '../../calico/shapes.ts'
import { FwError } from '../../errors.ts'
import { byText } from '../by-text.ts'
import { type PlaceFacts, standsWithNodes } from '../facts/api-places.ts'
import type { ApiEndpoint, Facts } from '../facts/facts.ts'
import type { HostFirewall } from '../file/host-firewall.ts'
import { isNarrowed, missingNets } from './narrowed-failsafes.ts'
import type { FailsafeChange } from './plan.ts'

/** A failsafe that must be in force before anything closes, and why. */
export interface RequiredFailsafe {
  readonly direction: Direction
  readonly port: FailsafePort & { readonly protocol: 'TCP' | 'UDP' }
  readonly reason: string
}

const directions = ['inbound', 'outbound'] as const

/**
 * Every failsafe that must be in force: the ports of all API endpoints and of whatever Felix and Typha talk to, for everyone, outwards and, where they stand
 * with the nodes, inwards; and the file's own. A Felix that cannot reconnect keeps its rules but hears of no opening any more, 65 s after a balancer reloads.
 */
export const requiredFailsafes = (facts: Pick<Facts, 'apiEndpoints' | 'felixPeers'> & PlaceFacts, firewall: HostFirewall): RequiredFailsafe[] => {
  const { extraFailsafePorts } = firewall.spec
  const stands = standsWithNodes(facts)
  const lifelines = (direction: Direction) => {
    const isAsked = (endpoint: ApiEndpoint): boolean => direction === 'outbound' || stands(endpoint)
    return [...facts.apiEndpoints.filter(isAsked).map(asApi), ...facts.felixPeers.filter(isAsked).map(asPeer)].sort(
      (one, other) => one.port - other.port || byText(one.reason, other.reason),
    )
  }
  return directions.flatMap((direction) => [
    ...lifelines(direction).map(({ port, reason }): RequiredFailsafe => ({ direction, port: { protocol: 'TCP', port }, reason })),
    ...(direction === 'outbound' && firewall.spec.egress !== undefined ? sendsAlways : []),
    ...extraFailsafePorts[direction].map(
      ({ protocol, port }): RequiredFailsafe => ({ direction, port: { protocol, port }, reason: 'extraFailsafePorts of the file' }),
    ),
  ])
}

/** What a list for egress relies on: without names and its DHCP lease a node lives for minutes. */
const sendsAlways: readonly RequiredFailsafe[] = (
  [
    [53, 'names, whatever the list for egress says'],
    [67, 'DHCP, whatever the list for egress says'],
  ] as const
).map(([port, reason]) => ({ direction: 'outbound', port: { protocol: 'UDP', port }, reason }))

const asApi = ({ address, port, sources }: ApiEndpoint) => ({
  port,
  reason: `API endpoint ${hostPort(address, port)} (${[...sources].sort(byText).join(', ')})`,
})
const asPeer = ({ address, port }: ApiEndpoint) => ({ port, reason: `Felix and Typha talk to ${hostPort(address, port)}` })

/** `192.168.218.189:7443`, `[2001:db8::1]:6443`. */
export const hostPort = (address: string, port: number): string => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`)

/**
 * The one patch of FelixConfiguration `default`: the lists in force on the nodes that follow it, with what is missing added at the end; undefined
 * when nothing is missing, since every change restarts every Felix once. Nodes that follow something else are named by {@link failsafeGaps}.
 * @throws FwError FW_BAD_FAILSAFE when an entry that is there already would stop Felix
 */
export const failsafeChange = (facts: Facts, firewall: HostFirewall): FailsafeChange | undefined => {
  const found = defaultConfiguration(facts)
  const before = { inbound: found?.spec?.failsafeInboundHostPorts ?? null, outbound: found?.spec?.failsafeOutboundHostPorts ?? null }
  for (const direction of directions) refuseBroken(direction, before[direction] ?? [])
  const inForce = (direction: Direction) => followed(facts, direction) ?? before[direction] ?? defaultFailsafes[direction]
  const nets = missingNets(facts, firewall, inForce('inbound'))
  const added = [
    ...missing(facts, firewall, inForce),
    ...nets.map((port) => ({ direction: 'inbound' as const, port, reason: 'narrowFailsafes of the file, and the nodes' })),
  ]
  if (added.length === 0) return undefined
  const after = (direction: Direction) => [...inForce(direction), ...added.filter((one) => one.direction === direction).map(({ port }) => port)]
  return {
    ref: { apiVersion: found?.apiVersion ?? v3, kind: 'FelixConfiguration', name: names.felixConfiguration },
    exists: found !== undefined,
    before,
    after: { inbound: after('inbound'), outbound: after('outbound') },
    added,
  }
}

/** The list in force on the nodes that follow FelixConfiguration `default`, or Felix's own where that is silent. */
const followed = ({ failsafes }: Facts, direction: Direction): readonly FailsafePort[] | undefined =>
  Object.values(failsafes)
    .map((lists) => lists[direction])
    .find(({ source }) => followsDefault(source))?.ports

/** A failsafe a node would still lack after the change, because an environment variable, an annotation or another FelixConfiguration rules there. */
export interface FailsafeGap extends RequiredFailsafe {
  readonly node: string
  readonly source: string
}

/** Failsafes that must be in force and will not be: nothing may be closed on these nodes. */
export const failsafeGaps = (facts: Facts, firewall: HostFirewall): FailsafeGap[] =>
  Object.entries(facts.failsafes)
    .sort(([one], [other]) => byText(one, other))
    .flatMap(([node, lists]) =>
      directions.flatMap((direction) => {
        const { source, ports } = lists[direction]
        const said = overrider(facts, direction, source)
        if (said === undefined) return []
        return missing(facts, firewall, () => ports)
          .filter((one) => one.direction === direction)
          .map((one) => ({ ...one, node, source: said }))
      }),
    )

/** What has the last word on a node instead of the fields of FelixConfiguration `default`; undefined where those have. */
const overrider = (facts: Facts, direction: Direction, source: FailsafeSource): string | undefined => {
  if (source.kind === 'environment') return `environment variable ${source.variable}`
  if (!followsDefault(source)) return source.kind === 'felixconfiguration' ? `FelixConfiguration ${source.name}` : undefined
  // An annotation of this form overrides the field of the same object (libcalico-go updateprocessors/configurationprocessor.go).
  const key = `config.projectcalico.org/failsafe${direction}hostports`
  const annotation = Object.keys(defaultConfiguration(facts)?.metadata.annotations ?? {}).find((name) => name.toLowerCase() === key)
  return annotation === undefined ? undefined : `annotation ${annotation} of FelixConfiguration default`
}

/** FelixConfiguration `default` as found. */
export const defaultConfiguration = ({ felixConfigurations }: Pick<Facts, 'felixConfigurations'>): FelixConfiguration | undefined =>
  felixConfigurations.find(({ metadata }) => metadata.name === names.felixConfiguration)

/** Whether a list lets everyone reach the port: an entry with a net does so for that net only. */
export const opens = (ports: readonly FailsafePort[], { protocol, port }: FailsafePort): boolean =>
  ports.some((one) => one.port === port && one.protocol.toUpperCase() === protocol.toUpperCase() && (one.net === undefined || one.net === ''))

const missing = (facts: Facts, firewall: HostFirewall, listOf: (direction: Direction) => readonly FailsafePort[]): RequiredFailsafe[] => {
  const seen = new Set<string>()
  return requiredFailsafes(facts, firewall).filter(({ direction, port }) => {
    const key = `${direction}/${port.protocol}/${port.port}`
    if (seen.has(key) || opens(listOf(direction), port) || (direction === 'inbound' && keepsSome(firewall, listOf(direction), port))) return false
    seen.add(key)
    return true
  })
}

/** The file narrows the port, and somebody has it: whoever lacks it is added by {@link missingNets}. */
const keepsSome = (firewall: HostFirewall, list: readonly FailsafePort[], port: FailsafePort): boolean =>
  isNarrowed(firewall, port) && list.some((one) => one.port === port.port && one.protocol.toUpperCase() === port.protocol.toUpperCase())

/** The API takes entries that stop every Felix (no or another protocol) or crash it (a bad net); with one in place no change of ours would arrive. */
const refuseBroken = (direction: Direction, ports: readonly FailsafePort[]): void => {
  for (const { protocol, port, net } of ports) {
    const isProtocol = /^(tcp|udp)$/i.test(protocol ?? '')
    if (isProtocol && (net === undefined || net === '' || readNet(net) !== undefined)) continue
    throw new FwError(
      'FW_BAD_FAILSAFE',
      `FelixConfiguration default has a broken ${direction} failsafe: protocol ${protocol ?? '(none)'}, port ${port}${net === undefined ? '' : `, net ${net}`}`,
      {
        why: 'Felix cannot parse it and programs nothing until it is mended',
        fix: 'kubectl edit felixconfigurations.projectcalico.org default',
      },
    )
  }
}
