import { type Direction, defaultFailsafes, type EffectiveFailsafes, failsafeFields } from '../../calico/failsafes.ts'
import type { FailsafePort, FelixConfiguration } from '../../calico/shapes.ts'
import { FwError } from '../../errors.ts'
import { isAddress } from '../../net/address.ts'
import { parseCidr } from '../../net/cidr.ts'
import { labelMatcher } from '../api/selectors.ts'

/** The failsafes a node's Felix would use. */
export type NodeFailsafes = Readonly<Record<Direction, EffectiveFailsafes>>

/** What a FelixConfiguration does to Felix. */
export type ConfigHealth =
  | 'good'
  /** An entry Felix cannot parse (SCTP, no protocol): it exits, starts, exits, and programs nothing more. */
  | 'unreadable'
  /** An entry that makes it panic: a net that is none. */
  | 'panic'

/** `has(x)` and equality are all the demo and the tests select by; a selector of another form matches nothing. */
const selects = (selector: string, labels: Readonly<Record<string, string>>): boolean => {
  const [, key = '', value] = /^\s*([\w./-]+)\s*==\s*['"]([^'"]*)['"]\s*$/.exec(selector) ?? []
  if (value !== undefined) return labels[key] === value
  if (/^all\(\)$/.test(selector.trim())) return true
  const [, present] = /^has\(([\w./-]+)\)$/.exec(selector.trim()) ?? []
  return present !== undefined && labelMatcher(present)({ apiVersion: 'v1', kind: 'Node', metadata: { name: '', labels } })
}

/** The FelixConfigurations that speak for a node, the strongest first: its own, those that select it by name order, the global one. */
const inOrder = (all: readonly FelixConfiguration[], node: string, labels: Readonly<Record<string, string>>): FelixConfiguration[] => {
  const named = (name: string) => all.filter(({ metadata }) => metadata.name === name)
  const selecting = all.filter(({ spec }) => spec?.nodeSelector !== undefined && selects(spec.nodeSelector, labels))
  return [...named(`node.${node}`), ...selecting, ...named('default')]
}

/** The failsafe lists in force on a node (felix/config `SourcesInDescendingOrder`, without the environment). */
export const failsafesFor = (all: readonly FelixConfiguration[], node: string, labels: Readonly<Record<string, string>>): NodeFailsafes => {
  const effective = (direction: Direction): EffectiveFailsafes => {
    for (const { metadata, spec } of inOrder(all, node, labels)) {
      const ports = spec?.[failsafeFields[direction]]
      if (ports !== undefined) return { ports, source: { kind: 'felixconfiguration', name: metadata.name } }
    }
    return { ports: defaultFailsafes[direction], source: { kind: 'default' } }
  }
  return { inbound: effective('inbound'), outbound: effective('outbound') }
}

const isNet = (net: string): boolean => {
  if (isAddress(net)) return true
  try {
    parseCidr(net)
    return true
  } catch (error) {
    if (error instanceof FwError) return false
    throw error
  }
}

const healthOf = ({ protocol, net }: Partial<FailsafePort>): ConfigHealth => {
  if (net !== undefined && !isNet(net)) return 'panic'
  return protocol?.toUpperCase() === 'TCP' || protocol?.toUpperCase() === 'UDP' ? 'good' : 'unreadable'
}

/** What the effective lists do to Felix: one bad entry is enough (felix/config/param_types.go; felixconfigprocessor.go `protoPortSliceToString`). */
export const configHealth = ({ inbound, outbound }: NodeFailsafes): ConfigHealth => {
  const healths = [...inbound.ports, ...outbound.ports].map(healthOf)
  return healths.find((health) => health === 'panic') ?? healths.find((health) => health === 'unreadable') ?? 'good'
}
