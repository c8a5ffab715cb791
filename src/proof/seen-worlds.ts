import type { AddressBook } from '../verdict/address-book.ts'
import { looksAtEndpoints } from '../verdict/looks-at-endpoints.ts'
import type { World } from '../verdict/model.ts'
import type { LifeLine } from './life-line.ts'

/**
 * Names what a verdict on a lifeline depends on in a world: two worlds with the same name for it give the same verdict. That is the policies,
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

/** Gives worlds that hold the same objects the same lists, so that what was made of one list serves for all its likes. */
export const createLikening = (book: AddressBook): ((world: World) => World) => {
  const lists = new Map<string, readonly object[]>()
  const liken = <Item extends object>(list: readonly Item[]): readonly Item[] => {
    const key = list
      .map(book.number)
      .sort((one, other) => one - other)
      .join()
    const known = lists.get(key) as readonly Item[] | undefined
    if (known === undefined) lists.set(key, list)
    return known ?? list
  }
  return (world) => ({
    ...world,
    hostEndpoints: liken(world.hostEndpoints),
    policies: liken(world.policies),
    networkSets: liken(world.networkSets),
  })
}
