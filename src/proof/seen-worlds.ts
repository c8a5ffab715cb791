import type { AddressBook } from '../verdict/address-book.ts'
import { looksAtEndpoints } from '../verdict/looks-at-endpoints.ts'
import type { World } from '../verdict/model.ts'
import type { LifeLine } from './life-line.ts'

/**
 * Names what a verdict on a life line depends on in a world: two worlds with the same name for it give the same verdict. That is the policies,
 * sets and failsafes, and of the HostEndpoints those of the line's own nodes; all of them where the line may go by any node, or where a rule
 * looks at the addresses or ports HostEndpoints tell.
 */
export const namingIn = (world: World, book: AddressBook): ((line: LifeLine) => string) => {
  const { policies, networkSets, failsafes, hostEndpoints } = world
  const common = `${book.number(policies)} ${book.number(networkSets)} ${book.number(failsafes)}`
  const whole = `${common} all ${book.number(hostEndpoints)}`
  if (looksAtEndpoints(world, book)) return () => whole
  const byNode = new Map<string, string>()
  for (const one of hostEndpoints) byNode.set(one.spec.node, `${byNode.get(one.spec.node) ?? ''},${book.number(one)}`)
  return ({ nodes }) => (nodes.length === 0 ? whole : `${common} ${nodes.map((node) => byNode.get(node) ?? '').join(' ')}`)
}
