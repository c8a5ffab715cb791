import { FwError } from '../../errors.ts'
import { parsePortRange } from '../../net/port.ts'
import type { ExtraFailsafe, HostFirewall, NarrowedFailsafes } from './host-firewall.ts'
import { netsOf } from './parse-nets.ts'
import { failure, fieldsOf, isWritten, itemsOf, type Spot, sourceOf, textOf } from './yaml-spot.ts'

/**
 * `spec.extraFailsafePorts`: ports added to Felix's failsafes. Strict, because the API takes entries that stop every Felix.
 * @throws FwError FW_BAD_FAILSAFE, FW_BAD_FILE
 */
export const failsafesOf = (spot: Spot): HostFirewall['spec']['extraFailsafePorts'] => {
  const { inbound, outbound } = fieldsOf(spot, ['inbound', 'outbound'])
  return { inbound: isWritten(inbound) ? portsOf(inbound) : [], outbound: isWritten(outbound) ? portsOf(outbound) : [] }
}

/**
 * `spec.narrowFailsafes`: ports that stay failsafes for some networks and the nodes alone.
 * @throws FwError FW_BAD_FAILSAFE, FW_BAD_FILE
 */
export const narrowFailsafesOf = (spot: Spot): NarrowedFailsafes[] => {
  const seen = new Set<string>()
  return itemsOf(spot).map((item) => {
    const { ports, from } = fieldsOf(item, ['ports', 'from'])
    if (!isWritten(ports)) throw refusal(item, 'has no ports', { fix: 'write ports: [{protocol: TCP, port: 22}]' })
    if (from === undefined)
      throw refusal(item, 'has no from', {
        why: 'it says who keeps these ports',
        fix: 'name the networks you work from, or write [] for the nodes alone',
      })
    const narrowed = { ports: portsOf(ports), from: isWritten(from) && itemsOf(from).length > 0 ? netsOf(from, 'from') : [] }
    if (narrowed.ports.length === 0) throw refusal(ports, 'is empty', { fix: 'write ports: [{protocol: TCP, port: 22}]' })
    for (const { protocol, port } of narrowed.ports) {
      if (seen.has(`${protocol}/${port}`)) throw refusal(ports, `names ${port}/${protocol.toLowerCase()} twice`, { fix: 'name each port once' })
      seen.add(`${protocol}/${port}`)
    }
    return narrowed
  })
}

const portsOf = (spot: Spot): ExtraFailsafe[] => {
  const seen = new Map<string, ExtraFailsafe>()
  for (const item of itemsOf(spot)) {
    const one = failsafeOf(item)
    seen.set(`${one.protocol}/${one.port}`, one)
  }
  return [...seen.values()]
}

const failsafeOf = (spot: Spot): ExtraFailsafe => {
  const { protocol, port, net, nets } = fieldsOf(spot, ['protocol', 'port', 'net', 'nets'])
  const narrowing = net ?? nets
  if (narrowing !== undefined) {
    throw refusal(narrowing, 'can not stand in a failsafe', {
      why: 'failsafes only ever add: a port that is open to everyone already does not become narrower by another entry',
      fix: 'leave it out, or write an allow entry with from instead',
    })
  }
  if (!isWritten(protocol)) {
    throw refusal(spot, 'has no protocol', {
      why: 'Felix reads a missing protocol as an error and stops programming on every node',
      fix: 'write protocol: TCP or UDP',
    })
  }
  if (!isWritten(port)) throw refusal(spot, 'has no port', { fix: 'write port: 7443' })
  return { protocol: protocolOf(protocol), port: portOf(port) }
}

const protocolOf = (spot: Spot): 'TCP' | 'UDP' => {
  const written = textOf(spot)
  if (written === 'TCP' || written === 'UDP') return written
  if (written.toUpperCase() === 'SCTP') {
    throw refusal(spot, 'is SCTP', {
      why: 'the API takes it, but Felix knows only tcp and udp here and stops programming on every node',
      fix: 'open SCTP with an allow entry',
    })
  }
  throw refusal(spot, `is "${written}"`, { fix: `write ${['TCP', 'UDP'].find((one) => one === written.toUpperCase()) ?? 'TCP or UDP'}` })
}

const portOf = (spot: Spot): number => {
  const written = sourceOf(spot)
  try {
    const { first, last } = parsePortRange(written)
    if (first === last) return first
  } catch (error) {
    if (!(error instanceof FwError)) throw error
  }
  throw refusal(spot, `is "${written}", which is not one port`, { fix: 'write one entry for each port, 1 to 65535' })
}

const refusal = (spot: Spot, what: string, detail: { why?: string; fix: string }): FwError =>
  failure(spot, what, { ...detail, code: 'FW_BAD_FAILSAFE' })
