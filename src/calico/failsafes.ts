import { FwError } from '../errors.ts'
import type { Address } from '../net/address.ts'
import { names } from './names.ts'
import { netHolds, readNet } from './nets.ts'
import { type Labels, matches, parseSelector, unlessBadSelector } from './selector.ts'
import type { FailsafePort, FelixConfiguration } from './shapes.ts'

/** Inbound or outbound, seen from the node. */
export type Direction = 'inbound' | 'outbound'

const entry = (protocol: 'TCP' | 'UDP', ...ports: number[]): FailsafePort[] => ports.map((port) => ({ protocol, port }))

/**
 * Felix's own lists where FelixConfiguration is silent; identical from v3.20 to v3.33
 * (felix/config/config_params.go, `FailsafeInboundHostPorts` and `FailsafeOutboundHostPorts`).
 */
export const defaultFailsafes: Readonly<Record<Direction, readonly FailsafePort[]>> = {
  inbound: [...entry('TCP', 22, 179, 2379, 2380, 5473, 6443, 6666, 6667), ...entry('UDP', 68)],
  outbound: [...entry('TCP', 179, 2379, 2380, 5473, 6443, 6666, 6667), ...entry('UDP', 53, 67)],
}

/** Where a node's effective list comes from, in Felix's order of precedence (felix/config/config_params.go `SourcesInDescendingOrder`). */
export type FailsafeSource =
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'felixconfiguration'; readonly name: string }
  | { readonly kind: 'default' }

/** Whether the node takes what FelixConfiguration `default` says, or would say: that is where this tool writes. */
export const followsDefault = (source: FailsafeSource): boolean =>
  source.kind === 'default' || (source.kind === 'felixconfiguration' && source.name === names.felixConfiguration)

/** The failsafe list in force on a node, and who says so. */
export interface EffectiveFailsafes {
  readonly ports: readonly FailsafePort[]
  readonly source: FailsafeSource
}

/** Where Felix on one node gets its configuration from, as far as the cluster shows it. */
export interface FailsafeSources {
  /** Environment of the calico-node container; names in any case, as Felix reads them. */
  readonly environment: Readonly<Record<string, string>>
  readonly configurations: readonly FelixConfiguration[]
  readonly nodeName: string
  readonly nodeLabels: Labels
}

/**
 * The failsafes in force on a node: environment, else FelixConfiguration `node.NAME`, else the oldest one whose nodeSelector matches
 * (Calico 3.32), else `default`, else Felix's defaults. A list replaces the one below it, `[]` and `none` mean no failsafes at all. A Felix
 * configuration file is not visible from the cluster and not looked at.
 * @throws FwError FW_BAD_FAILSAFE for an entry Felix itself dies on: it programs nothing until that entry is mended
 */
export const effectiveFailsafes = (sources: FailsafeSources): Record<Direction, EffectiveFailsafes> => ({
  inbound: effective(sources, 'inbound'),
  outbound: effective(sources, 'outbound'),
})

/**
 * Whether a list lets a packet pass. `remote` is the other side: source inbound, destination outbound. Matched by destination port alone, so it
 * holds for any address the packet is sent to.
 */
export const failsafeAccepts = (list: readonly FailsafePort[], protocol: string, port: number, remote: Address): boolean =>
  list.some((entry) => entry.protocol.toLowerCase() === protocol.toLowerCase() && entry.port === port && (!entry.net || netHolds(entry.net, remote)))

/** The field of FelixConfiguration that holds each list; Felix calls its environment variables and annotations by the same name. */
export const failsafeFields = {
  inbound: 'failsafeInboundHostPorts',
  outbound: 'failsafeOutboundHostPorts',
} as const

const effective = (sources: FailsafeSources, direction: Direction): EffectiveFailsafes => {
  const variable = Object.keys(sources.environment).find((name) => name.toLowerCase() === `felix_${failsafeFields[direction].toLowerCase()}`)
  if (variable !== undefined) {
    const ports = parseFailsafeList(sources.environment[variable] ?? '', `environment variable ${variable} of calico-node`)
    return { ports, source: { kind: 'environment', variable } }
  }
  for (const configuration of inPrecedence(sources)) {
    const ports = listOf(configuration, direction)
    if (ports !== undefined)
      return {
        ports,
        source: {
          kind: 'felixconfiguration',
          name: configuration.metadata.name,
        },
      }
  }
  return { ports: defaultFailsafes[direction], source: { kind: 'default' } }
}

/** The FelixConfigurations that speak for a node, the strongest first. Of several matching nodeSelectors only the oldest one counts (felix/calc/config_batcher.go). */
const inPrecedence = ({ configurations, nodeName, nodeLabels }: FailsafeSources): FelixConfiguration[] => {
  const named = (name: string) => configurations.filter(({ metadata }) => metadata.name === name)
  const scoped = configurations
    .filter(({ metadata, spec }) => metadata.name !== 'default' && !metadata.name.startsWith('node.') && selects(spec?.nodeSelector, nodeLabels))
    .sort((one, other) => byAge(one, other) || (one.metadata.name < other.metadata.name ? -1 : 1))
  return [...named(`node.${nodeName}`), ...scoped.slice(0, 1), ...named('default')]
}

const byAge = (one: FelixConfiguration, other: FelixConfiguration): number =>
  Date.parse(one.metadata.creationTimestamp ?? '0') - Date.parse(other.metadata.creationTimestamp ?? '0') || 0

/** Felix ignores a configuration whose nodeSelector is empty or cannot be parsed. */
const selects = (selector: string | undefined, labels: Labels): boolean =>
  selector ? unlessBadSelector(() => matches(parseSelector(selector), labels)) === true : false

/** An annotation `config.projectcalico.org/FailsafeInboundHostPorts` overrides the field of the same object (configurationprocessor.go). */
const listOf = (configuration: FelixConfiguration, direction: Direction): readonly FailsafePort[] | undefined => {
  const where = `FelixConfiguration ${configuration.metadata.name}`
  const key = `config.projectcalico.org/${failsafeFields[direction]}`.toLowerCase()
  const override = Object.entries(configuration.metadata.annotations ?? {}).find(([name]) => name.toLowerCase() === key)
  if (override !== undefined) return parseFailsafeList(override[1], `${where}, annotation ${override[0]}`)
  const list = configuration.spec?.[failsafeFields[direction]]
  return list?.map((port) => checked(port, where)) ?? undefined
}

/** Reads Felix's own form: `tcp:10.0.0.0/8:22,udp:68,443,tcp:[fd00::/8]:22`; `none` and an empty text are empty lists. */
const parseFailsafeList = (text: string, where: string): FailsafePort[] => {
  if (text.toLowerCase() === 'none') return []
  const entries = text.split(',').map((part) => part.trim())
  return entries.filter((part) => part !== '').map((part) => checked(parseEntry(part), where))
}

const parseEntry = (text: string): FailsafePort => {
  const match = /^(?:([^:]+):)?(?:(?:\[([^\]]+)\]|([^:[\]]+)):)?(\d+)$/.exec(text)
  if (match === null) return { protocol: text, port: Number.NaN }
  const net = match[2] ?? match[3]
  return {
    protocol: (match[1] ?? 'tcp').toUpperCase(),
    port: Number(match[4]),
    ...(net === undefined ? {} : { net }),
  }
}

/** Felix's parameter is die-on-fail: an entry it cannot read stops every later change from being programmed, on every node. */
const checked = (entry: FailsafePort, where: string): FailsafePort => {
  const isProtocol = /^(tcp|udp)$/i.test(entry.protocol ?? '')
  const isPort = Number.isInteger(entry.port) && entry.port >= 0 && entry.port <= 65535
  if (isProtocol && isPort && (!entry.net || readNet(entry.net) !== undefined)) return entry
  throw new FwError('FW_BAD_FAILSAFE', `${where} holds a failsafe port Felix cannot read: ${JSON.stringify(entry)}`, {
    why: 'Felix takes protocol TCP or UDP, a port from 0 to 65535 and optionally a CIDR; any other entry stops it from programming changes',
    fix: 'kubectl edit felixconfiguration default   # or the environment of daemonset calico-node: mend or remove that entry',
  })
}
