import type { FailsafePort, HostEndpoint } from '../../calico/shapes.ts'
import { byText } from '../by-text.ts'
import type { Facts } from '../facts/facts.ts'
import { type Standing, standingOf } from '../facts/standing.ts'
import type { HostFirewall } from '../file/host-firewall.ts'
import { matchesLabels } from '../file/label-selector.ts'
import { limitsEveryRun } from '../objects/egress-policy.ts'
import { sortedFailsafes } from './differences.ts'

/** What a kept firewall covers of the cluster as it is today. */
export interface Coverage {
  /** NICs the file selects on nodes that are there, and no HostEndpoint of ours closes: nodes that joined or came back since. */
  readonly uncovered: readonly { readonly node: string; readonly interfaceName: string }[]
  /** Nodes no entry of the file matches, by name. */
  readonly unmatched: readonly string[]
  /** NICs of covered nodes that the file does not name, as far as the cluster tells. */
  readonly otherInterfaces: readonly { readonly node: string; readonly interfaceName: string }[]
  /** What nodes send against the file: `unlimited` where it has a list and some kept run none, `limited` where it has none and a list is in force. A client died between two writes. */
  readonly egress: 'as-written' | 'unlimited' | 'limited'
  /** HostEndpoints of ours whose node is gone. */
  readonly orphans: readonly string[]
  /** `22/tcp, 6443/tcp ...`: open to everyone by failsafe on at least one node. */
  readonly failsafes: string
}

/** Compares the file and the HostEndpoints in force with the nodes of today. */
export const coverageOf = (
  facts: Pick<Facts, 'nodes' | 'failsafes' | 'policies' | 'networkSets'>,
  firewall: HostFirewall,
  hostEndpoints: readonly HostEndpoint[],
): Coverage => {
  const held = new Set(hostEndpoints.map(({ spec }) => keyOf(spec.node, spec.interfaceName ?? '')))
  const nodes = [...facts.nodes].filter(({ operatingSystem }) => operatingSystem === 'linux').sort((one, other) => byText(one.name, other.name))
  const wanted = new Map(
    nodes.map((node) => [
      node.name,
      firewall.spec.interfaces.filter(({ nodeSelector }) => matchesLabels(nodeSelector, node.labels)).flatMap(({ names }) => names),
    ]),
  )
  const pair = (node: string, interfaceName: string) => ({ node, interfaceName })
  const known = new Set(facts.nodes.map(({ name }) => name))
  return {
    uncovered: nodes.flatMap(({ name }) => (wanted.get(name) ?? []).filter((nic) => !held.has(keyOf(name, nic))).map((nic) => pair(name, nic))),
    unmatched: nodes.filter(({ name }) => wanted.get(name)?.length === 0).map(({ name }) => name),
    otherInterfaces: nodes.flatMap(({ name, interfaces }) => {
      const chosen = wanted.get(name) ?? []
      return chosen.length === 0 ? [] : interfaces.filter((nic) => !chosen.includes(nic.name)).map((nic) => pair(name, nic.name))
    }),
    egress: egressOf(standingOf({ ...facts, hostEndpoints }), firewall),
    orphans: hostEndpoints.filter(({ spec }) => !known.has(spec.node)).map(({ metadata }) => metadata.name),
    failsafes: sortedFailsafes(openToEveryone(facts.failsafes)),
  }
}

const egressOf = (standing: Standing, { spec }: HostFirewall): Coverage['egress'] => {
  if (spec.egress === undefined) return standing.egress === undefined ? 'as-written' : 'limited'
  return limitsEveryRun(standing) ? 'as-written' : 'unlimited'
}

const keyOf = (node: string, interfaceName: string): string => `${node} ${interfaceName}`

const openToEveryone = (failsafes: Facts['failsafes']): FailsafePort[] => [
  ...new Map(
    Object.values(failsafes)
      .flatMap(({ inbound }) => inbound.ports)
      .filter(({ net }) => net === undefined || net === '')
      .map((port) => [`${port.protocol.toUpperCase()}/${port.port}`, port]),
  ).values(),
]
