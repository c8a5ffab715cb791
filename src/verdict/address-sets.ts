import { matchesPartly, type Selector } from '../calico/selector.ts'
import type { AddressBook, AddressTest } from './address-book.ts'
import { hostEndpointKnowledge, podKnowledge, setKnowledge } from './endpoint-knowledge.ts'
import { type NetMatcher, netMatcher } from './ip.ts'
import type { World } from './model.ts'

/**
 * Turns selectors into the IP sets Felix makes of them: nets of matching sets, expectedIPs of matching HostEndpoints, and pods. Two worlds
 * in which the same objects match share the test.
 */
export const createAddressSets = (
  { networkSets, hostEndpoints, podCidrs }: World,
  isPod: NetMatcher,
  book: AddressBook,
): ((selector: Selector) => AddressTest) => {
  const members = [
    ...networkSets.map((set) => ({ know: setKnowledge(set), nets: set.spec.nets ?? [] })),
    ...hostEndpoints.map((endpoint) => ({ know: hostEndpointKnowledge(endpoint), nets: endpoint.spec.expectedIPs ?? [] })),
  ].filter(({ nets }) => nets.length > 0)
  const bySelector = new Map<string, AddressTest>()
  return (selector) => {
    const text = JSON.stringify(selector, (_, value: unknown) => (value instanceof Set ? [...value].sort() : value))
    const found = bySelector.get(text)
    if (found !== undefined) return found
    const sure: (readonly string[])[] = []
    const perhaps: (readonly string[])[] = []
    for (const { know, nets } of members) {
      const answer = matchesPartly(selector, know)
      if (answer !== false) (answer ? sure : perhaps).push(nets)
    }
    const pods = matchesPartly(selector, podKnowledge)
    const key = JSON.stringify([sure.map(book.number), perhaps.map(book.number), String(pods), pods === false ? 0 : book.number(podCidrs)])
    const made = book.test(key, () => {
      const [isSure, isPerhaps] = [netMatcher(sure.flat()), netMatcher(perhaps.flat())]
      return (ip) => {
        if (isSure(ip) || (pods === true && isPod(ip))) return true
        return isPerhaps(ip) || (pods === undefined && isPod(ip)) ? undefined : false
      }
    })
    bySelector.set(text, made)
    return made
  }
}
