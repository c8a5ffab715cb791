import { allowPolicyName } from '../../calico/names.ts'
import { familyOf } from '../../net/address.ts'
import type { Cidr } from '../../net/cidr.ts'
import { type Protocol, parsePortRange, portProtocols } from '../../net/port.ts'
import type { AllowEntry, EgressEntry, Traffic } from './host-firewall.ts'
import { located, netsOf } from './parse-nets.ts'
import { failure, fieldsOf, isWritten, itemsOf, type Spot, sourceOf, textOf } from './yaml-spot.ts'

/** Longest name of an allow entry: its policy's name is one DNS label of 63 characters (Calico up to 3.28 takes no other). */
export const entryNameLimit = 63 - allowPolicyName('').length

/** More would reach the order of the gates. */
const entryLimit = 10_000

/**
 * `spec.allow`: what is open, to whom.
 * @throws FwError FW_BAD_FILE
 */
export const allowOf = (spot: Spot): AllowEntry[] => entriesOf(spot, entryOf)

/**
 * `spec.egress`: what nodes may send, and where to. An empty list lets out nothing but what they live on.
 * @throws FwError FW_BAD_FILE
 */
export const egressOf = (spot: Spot): EgressEntry[] => entriesOf(spot, egressEntryOf)

const entriesOf = <Entry extends { readonly name: string }>(spot: Spot, entryOf: (item: Spot) => Entry): Entry[] => {
  const items = itemsOf(spot)
  if (items.length > entryLimit)
    throw failure(spot, `has ${items.length} entries`, { fix: `keep it to ${entryLimit}: one entry takes many nets and ports` })
  const seen = new Set<string>()
  return items.map((item) => {
    const entry = entryOf(item)
    if (seen.has(entry.name)) throw failure(item, `repeats the name "${entry.name}"`, { fix: 'give each entry its own name' })
    seen.add(entry.name)
    return entry
  })
}

const entryOf = (spot: Spot): AllowEntry => {
  const { name, to, from, traffic } = fieldsOf(spot, ['name', 'to', 'from', 'traffic'])
  const entryName = nameOf(spot, name)
  if (!isWritten(to)) {
    throw failure(spot, 'has no destination', {
      why: 'a port without a destination opens that port on pods too',
      fix: 'write to: {nodes: true} for node and host ports, or to: {nets: [192.168.218.180/32]} for a VIP',
    })
  }
  if (!isWritten(traffic)) throw failure(spot, 'has no traffic', { fix: 'write traffic: [{protocol: TCP, ports: [80]}]' })
  const destination = destinationOf(to)
  const sources = isWritten(from) ? sourcesOf(from) : undefined
  if (sources !== undefined && 'nets' in destination) sameFamily(spot, destination.nets, sources)
  return { name: entryName, to: destination, ...(sources === undefined ? {} : { from: { nets: sources } }), traffic: trafficOf(traffic) }
}

/** Nodes need no entry: they always reach each other. */
const egressEntryOf = (spot: Spot): EgressEntry => {
  const { name, to, traffic } = fieldsOf(spot, ['name', 'to', 'traffic'])
  const entryName = nameOf(spot, name)
  const nets = isWritten(to) ? fieldsOf(to, ['nets']).nets : undefined
  if (!isWritten(nets)) throw failure(spot, 'has no destination', { fix: 'write to: {nets: [192.168.218.1/32]}' })
  if (!isWritten(traffic)) throw failure(spot, 'has no traffic', { fix: 'write traffic: [{protocol: TCP, ports: [443]}]' })
  return { name: entryName, to: { nets: netsOf(nets, 'egress') }, traffic: trafficOf(traffic) }
}

const nameOf = (spot: Spot, name: Spot | undefined): string => {
  if (!isWritten(name)) throw failure(spot, 'has no name', { fix: 'write name: ingress' })
  const entryName = textOf(name)
  const problem = entryNameProblem(entryName)
  if (problem !== undefined) throw failure(name, `is "${entryName}", which names no policy`, { fix: problem })
  return entryName
}

/** What to write instead of a name no policy can have; undefined when it can. */
export const entryNameProblem = (name: string): string | undefined => {
  if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name)) return 'use lower-case letters, digits and -'
  if (name.length > entryNameLimit) return `use at most ${entryNameLimit} characters`
  return /--\d+$/.test(name) ? 'leave out the --N at its end: it names the further parts of a large entry' : undefined
}

const destinationOf = (spot: Spot): AllowEntry['to'] => {
  const { nodes, nets } = fieldsOf(spot, ['nodes', 'nets'])
  if (isWritten(nodes) === isWritten(nets)) throw failure(spot, 'needs one of nodes and nets', { fix: 'write {nodes: true}, or {nets: [...]}' })
  if (isWritten(nets)) return { nets: netsOf(nets, 'to') }
  if (isWritten(nodes) && String(nodes.node) !== 'true') throw failure(nodes, 'can only be true', { fix: 'write {nodes: true}, or {nets: [...]}' })
  return { nodes: true }
}

const sourcesOf = (spot: Spot): Cidr[] => {
  const { nets } = fieldsOf(spot, ['nets'])
  if (!isWritten(nets)) throw failure(spot, 'has no nets', { fix: 'write from: {nets: [192.168.218.53/32]}, or leave out from to open to everyone' })
  return netsOf(nets, 'from')
}

const sameFamily = (spot: Spot, to: readonly Cidr[], from: readonly Cidr[]): void => {
  const families = new Set(from.map(familyOf))
  const alone = to.find((cidr) => !families.has(familyOf(cidr)))
  if (alone !== undefined) {
    throw failure(spot, `lets nobody reach ${alone}`, {
      why: 'all sources are of the other address family',
      fix: `add an IPv${familyOf(alone)} source, or leave ${alone} out`,
    })
  }
}

const trafficOf = (spot: Spot): Traffic[] => {
  const items = itemsOf(spot)
  if (items.length === 0) throw failure(spot, 'is empty', { fix: 'write traffic: [{protocol: TCP, ports: [80]}]' })
  return items.map((item) => {
    const { protocol, ports } = fieldsOf(item, ['protocol', 'ports'])
    const carried = protocolOf(item, protocol)
    if (typeof carried === 'string') return { protocol: carried, ports: isWritten(ports) ? portsOf(ports) : [] }
    if (isWritten(ports)) throw failure(ports, `are of protocol ${carried}`, { why: 'only TCP, UDP and SCTP have ports', fix: 'leave out ports' })
    return { protocol: carried, ports: [] }
  })
}

const portsOf = (spot: Spot): Traffic['ports'] => {
  const ports = itemsOf(spot).map((item) => located(item, () => parsePortRange(sourceOf(item))))
  if (ports.length === 0) throw failure(spot, 'is empty', { fix: 'name a port, or leave out ports to open every port of the protocol' })
  return ports
}

/** ICMP has a word of its own, and ports go with the names: a number for one of these would be a second way to say the same. */
const named: Readonly<Record<number, string>> = { 1: 'ICMP', 6: 'TCP', 17: 'UDP', 58: 'ICMPv6', 132: 'SCTP' }

/** A protocol with ports by name, upper-case as Calico's own validator wants it; any other by number. */
const protocolOf = (parent: Spot, spot: Spot | undefined): Protocol => {
  const names = portProtocols.join(', ')
  if (!isWritten(spot)) throw failure(parent, 'has no protocol', { fix: `write protocol: ${names} or a number` })
  const written = sourceOf(spot)
  const number = /^\d+$/.test(written) ? Number(written) : undefined
  const name = number === undefined ? written : named[number]
  if (/^icmp(v6)?$/i.test(name ?? '')) throw failure(spot, `is ${written}`, { fix: 'leave it out: who may ping is spec.icmp, everyone or trusted' })
  if (number !== undefined) {
    if (name !== undefined) throw failure(spot, `is ${written}`, { fix: `write ${name}` })
    if (number >= 1 && number <= 255 && written === `${number}`) return number
    throw failure(spot, `is ${written}`, { fix: `write ${names}, or the number of another protocol, 1 to 255: 47 is GRE, 50 is ESP` })
  }
  const found = portProtocols.find((one) => one === written)
  if (found !== undefined) return found
  const meant = portProtocols.find((one) => one === written.toUpperCase())
  throw failure(spot, `is "${written}"`, { fix: `write ${meant ?? `${names}, or the number of another protocol`}` })
}
