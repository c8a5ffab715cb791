import type { Header } from './header.ts'
import type { Flight, Statement, Verdict } from './ruleset.ts'

/** DNAT: accepted with a new destination. */
export const translated = (flight: Flight, to: Pick<Header, 'destination' | 'destinationPort'>): Verdict => {
  flight.header = { ...flight.header, ...to }
  flight.dnat = true
  return 'accept'
}

/** Where a masquerade's random port stands: one that no packet of a test starts from. */
const anyPort = 61_001

/** SNAT to the address of the interface the packet leaves by, from a port picked at random. */
export const masquerade: Statement = (flight) => {
  const { header, outInterface = '', surroundings } = flight
  const source = surroundings.addressOn(outInterface, header.source.family)
  if (source === undefined) return 'drop'
  flight.header = { ...header, source, ...(header.sourcePort === undefined ? {} : { sourcePort: anyPort }) }
  flight.snat = true
  return 'accept'
}
