import { entitySelector } from '../calico/endpoint-selectors.ts'
import { matchesPartly } from '../calico/selector.ts'
import type { EntityRule, GlobalNetworkPolicy, HostEndpoint } from '../calico/shapes.ts'
import { FwError } from '../errors.ts'
import type { AddressBook } from './address-book.ts'
import { hostEndpointKnowledge } from './endpoint-knowledge.ts'
import type { World } from './model.ts'

/**
 * Whether some rule looks at the addresses or ports HostEndpoints tell, by a label or by the name of a port. Where none does, a HostEndpoint
 * decides nothing on any other node than its own.
 */
export const looksAtEndpoints = ({ policies, hostEndpoints }: Pick<World, 'policies' | 'hostEndpoints'>, book: AddressBook): boolean => {
  if (hostEndpoints.some(({ spec }) => spec.ports !== undefined && spec.ports.length > 0)) return true
  const shapes = new Map(hostEndpoints.map((one) => [JSON.stringify([one.metadata.labels, one.spec.profiles]), one]))
  return book.shared(policies, `looks at ${[...shapes.keys()].sort().join()}`, () => selectsAny(policies, [...shapes.values()]))
}

const selectsAny = (policies: readonly GlobalNetworkPolicy[], endpoints: readonly HostEndpoint[]): boolean => {
  const known = endpoints.map(hostEndpointKnowledge)
  const rules = policies.flatMap(({ spec }) => [...(spec.ingress ?? []), ...(spec.egress ?? [])])
  const sides = rules.flatMap(({ source = {}, destination = {} }) => [source, destination])
  const selecting = sides.flatMap((side): EntityRule[] => [side, ...(side.notSelector ? [{ selector: side.notSelector }] : [])])
  return selecting.some((side) => {
    try {
      const selector = entitySelector(side)
      return selector !== undefined && known.some((know) => matchesPartly(selector, know) !== false)
    } catch (error) {
      if (error instanceof FwError && error.code === 'FW_BAD_SELECTOR') return true
      throw error
    }
  })
}
