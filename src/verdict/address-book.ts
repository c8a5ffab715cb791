import type { Address } from '../net/address.ts'
import { type Ip, ipOf, netMatcher } from './ip.ts'

/** Whether an address belongs to something; `undefined` where labels nobody told us decide. */
export type AddressTest = (ip: Ip) => boolean | undefined

/** Prepared addresses and tests on them. Worlds that share one book ask each address each question once. */
export interface AddressBook {
  readonly ip: (address: Address) => Ip
  /** Whether an address lies in these nets; the same array is read once. */
  readonly nets: (nets: readonly string[]) => (ip: Ip) => boolean
  /** A test under a key that says all it depends on. */
  readonly test: (key: string, make: () => AddressTest) => AddressTest
  /** What comes of one object alone, made once for all the worlds that hold it. */
  readonly shared: <Value>(object: object, what: string, make: () => Value) => Value
  /** Numbers an object for good, so that a key can name it. */
  readonly number: (object: object) => number
}

/** Prepared addresses are kept up to this many, so that a long-lived decider stays small. */
const keptAddresses = 50_000

const known = { no: 1, yes: 2, unknown: 3 } as const

/** An empty book. */
export const createAddressBook = (): AddressBook => {
  let addresses = new Map<Address, Ip>()
  let tests = 0
  const byNets = new WeakMap<readonly string[], (ip: Ip) => boolean>()
  const byKey = new Map<string, AddressTest>()
  const numbers = new WeakMap<object, number>()
  let numbered = 0
  const made = new WeakMap<object, Map<string, unknown>>()
  const remembered = (ask: AddressTest): AddressTest => {
    const number = tests++
    return (ip) => {
      const answer = number < ip.answers.length ? ip.answers[number] : 0
      if (answer === known.no) return false
      if (answer === known.yes) return true
      if (answer === known.unknown) return undefined
      const fresh = ask(ip)
      if (number >= ip.answers.length) ip.answers = longer(ip.answers, Math.max(tests, 16))
      ip.answers[number] = fresh === undefined ? known.unknown : fresh ? known.yes : known.no
      return fresh
    }
  }
  return {
    ip: (address) => {
      const found = addresses.get(address)
      if (found !== undefined) return found
      if (addresses.size >= keptAddresses) addresses = new Map()
      const made = ipOf(address)
      addresses.set(address, made)
      return made
    },
    nets: (nets) => {
      const found = byNets.get(nets)
      if (found !== undefined) return found
      const made = remembered(netMatcher(nets)) as (ip: Ip) => boolean
      byNets.set(nets, made)
      return made
    },
    test: (key, make) => {
      const found = byKey.get(key)
      if (found !== undefined) return found
      const made = remembered(make())
      byKey.set(key, made)
      return made
    },
    shared: <Value>(object: object, what: string, make: () => Value): Value => {
      const known = made.get(object) ?? new Map<string, unknown>()
      made.set(object, known)
      if (!known.has(what)) known.set(what, make())
      return known.get(what) as Value
    },
    number: (object) => {
      const number = numbers.get(object) ?? ++numbered
      numbers.set(object, number)
      return number
    },
  }
}

const longer = (answers: Uint8Array, length: number): Uint8Array => {
  const made = new Uint8Array(length)
  made.set(answers)
  return made
}
