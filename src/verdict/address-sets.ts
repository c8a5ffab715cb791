import { matchesPartly, type Selector } from '../calico/selector.ts'
import { hostEndpointKnowledge, podKnowledge, setKnowledge } from './endpoint-selector.ts'
import { type Ip, type NetMatcher, netMatcher } from './ip.ts'
import type { World } from './model.ts'

/** Whether an address belongs to something; `undefined` where labels nobody told us decide. */
export type Membership = (ip: Ip) => boolean | undefined

/** Turns selectors into the IP sets Felix makes of them: nets of matching sets, expectedIPs of matching HostEndpoints, and pods. */
export const createAddressSets = ({ networkSets, hostEndpoints }: World, isPod: NetMatcher): ((selector: Selector) => Membership) => {
  const members = [
    ...networkSets.map((set) => ({ know: setKnowledge(set), nets: set.spec.nets ?? [] })),
    ...hostEndpoints.map((endpoint) => ({ know: hostEndpointKnowledge(endpoint), nets: endpoint.spec.expectedIPs ?? [] })),
  ].filter(({ nets }) => nets.length > 0)
  return (selector) => {
    const sure: string[] = []
    const perhaps: string[] = []
    for (const { know, nets } of members) {
      const answer = matchesPartly(selector, know)
      if (answer !== false) (answer ? sure : perhaps).push(...nets)
    }
    const [isSure, isPerhaps] = [netMatcher(sure), netMatcher(perhaps)]
    const pods = matchesPartly(selector, podKnowledge)
    return (ip) => {
      if (isSure(ip) || (pods === true && isPod(ip))) return true
      return isPerhaps(ip) || (pods === undefined && isPod(ip)) ? undefined : false
    }
  }
}
