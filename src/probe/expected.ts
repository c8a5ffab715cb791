import { failsafeFields } from '../calico/failsafes.ts'
import type { KubeObject } from '../calico/object.ts'
import { matches, parseSelector, unlessBadSelector } from '../calico/selector.ts'
import type { EntityRule, FailsafePort, GlobalNetworkPolicy, HostEndpoint, NetworkSet, Rule } from '../calico/shapes.ts'
import { type Cidr, covers, parseCidr } from '../net/cidr.ts'
import { failsafesIn, hasInterface, type Programmed, policiesOn, rulesOf } from './programmed.ts'

/** What the cluster holds, as far as it decides what a node must have programmed. */
export interface Standing {
  readonly hostEndpoints: readonly HostEndpoint[]
  readonly policies: readonly GlobalNetworkPolicy[]
}

/** One thing to be seen on a node: what it is in words, and whether it is there. */
export interface Sign {
  readonly what: string
  readonly isThere: (programmed: Programmed) => boolean
}

/**
 * What a node shows once Felix has programmed these objects there; empty where nothing on the node has to do with them. Felix renders a policy or a set
 * only where an endpoint of the node is governed by it (felix/calc, ActiveRulesCalculator), so a policy nothing selects yet leaves no trace anywhere.
 */
export const signsOn = (node: string, objects: readonly KubeObject[], { hostEndpoints, policies }: Standing): Sign[] => {
  const endpoints = hostEndpoints.filter(({ spec }) => spec.node === node && spec.interfaceName !== undefined && spec.interfaceName !== '*')
  if (endpoints.length === 0) return []
  return objects.flatMap((object): Sign[] => {
    switch (object.kind) {
      case 'HostEndpoint':
        return endpoints.filter(({ metadata }) => metadata.name === object.metadata.name).flatMap((endpoint) => interfaceSigns(endpoint, policies))
      case 'GlobalNetworkPolicy':
        return endpoints.some((endpoint) => governs(object as GlobalNetworkPolicy, endpoint)) ? [policySign(object as GlobalNetworkPolicy)] : []
      case 'GlobalNetworkSet':
        return policies.some((policy) => endpoints.some((endpoint) => governs(policy, endpoint)) && names(policy, object))
          ? [setSign(object as NetworkSet)]
          : []
      case 'FelixConfiguration':
        return failsafeSigns(object)
      default:
        return []
    }
  })
}

const interfaceSigns = ({ metadata, spec }: HostEndpoint, policies: readonly GlobalNetworkPolicy[]): Sign[] => {
  const name = spec.interfaceName ?? ''
  const own = policies.filter((policy) => governs(policy, { metadata, spec } as HostEndpoint)).map((policy) => policy.metadata.name)
  return [
    { what: `interface ${name}`, isThere: (programmed) => hasInterface(programmed, name) },
    ...own.map((policy) => ({ what: `policy ${policy} on ${name}`, isThere: (programmed: Programmed) => policiesOn(programmed, name).has(policy) })),
  ]
}

/** Untracked policy stands in another table, and policy with a namespaceSelector governs no host endpoint; neither is ours. */
const governs = ({ spec }: GlobalNetworkPolicy, { metadata }: HostEndpoint): boolean => {
  if (spec.doNotTrack === true || spec.namespaceSelector || spec.serviceAccountSelector) return false
  return selects(spec.selector || 'all()', metadata.labels ?? {})
}

/** What cannot be parsed Felix does not take either. */
const selects = (selector: string, labels: Readonly<Record<string, string>>): boolean =>
  unlessBadSelector(() => matches(parseSelector(selector), labels)) === true

const rulesIn = ({ spec }: GlobalNetworkPolicy): Rule[] => [...(spec.ingress ?? []), ...(spec.egress ?? [])]
const sidesOf = ({ source, destination }: Rule): EntityRule[] => [source, destination].filter((side) => side !== undefined)

/** A rule over Global sets names them by `global()`, or leaves the namespace open. */
const names = (policy: GlobalNetworkPolicy, set: KubeObject): boolean =>
  rulesIn(policy)
    .flatMap(sidesOf)
    .some(({ selector, namespaceSelector }) => {
      const isOpen = namespaceSelector === undefined || namespaceSelector === 'global()'
      return isOpen && selector !== undefined && selector !== '' && selects(selector, set.metadata.labels ?? {})
    })

/** Rules are compared by the networks and ports in them, both ways: an older version of the policy has others. */
const policySign = (policy: GlobalNetworkPolicy): Sign => {
  const sides = rulesIn(policy).flatMap(sidesOf)
  const nets = new Set(sides.flatMap(({ nets = [], notNets = [] }) => [...nets, ...notNets]).map(String))
  const written = sides.flatMap(({ ports = [], notPorts = [] }) => [...ports, ...notPorts].map(String))
  const hasNames = written.some((port) => !/^\d+(:\d+)?$/.test(port))
  const ports = new Set(written.map((port) => port.replace(':', '-')))
  return {
    what: `policy ${policy.metadata.name}`,
    isThere: (programmed) => {
      const rules = rulesOf(programmed, policy.metadata.name)
      return rules !== undefined && sameSet(rules.nets, nets) && (hasNames || sameSet(rules.ports, ports))
    },
  }
}

const sameSet = (one: ReadonlySet<string>, other: ReadonlySet<string>): boolean =>
  one.size === other.size && [...one].every((item) => other.has(item))

/** Felix leaves out what another network of the same set covers, so covered is enough. */
const setSign = ({ metadata, spec }: NetworkSet): Sign => ({
  what: `set ${metadata.name}`,
  isThere: ({ members }) => {
    const known = members.flatMap(cidrIn)
    const exact = new Set(known.map(String))
    return (spec.nets ?? []).flatMap(cidrIn).every((net) => exact.has(net) || known.some((member) => covers(member, net)))
  },
})

const failsafeSigns = (configuration: KubeObject): Sign[] => {
  const spec = (configuration['spec'] ?? {}) as { readonly [field: string]: unknown }
  return (['inbound', 'outbound'] as const).flatMap((direction): Sign[] => {
    const list = spec[failsafeFields[direction]] as readonly FailsafePort[] | null | undefined
    if (!Array.isArray(list)) return []
    const wanted = list.map(({ protocol, port }: FailsafePort) => `${protocol.toLowerCase()}/${port}`)
    return [{ what: `${direction} failsafes`, isThere: (programmed) => wanted.every((port) => failsafesIn(programmed, direction).has(port)) }]
  })
}

const cidrIn = (text: string): Cidr[] => {
  try {
    return [parseCidr(text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`)]
  } catch {
    return []
  }
}
