import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Address, parseAddress } from '../../src/net/address.ts'
import type { Connection, World } from '../../src/verdict/model.ts'
import { createVerdicts } from '../../src/verdict/verdicts.ts'
import type { Truth, TruthPacket } from '../lab/truth.ts'

const folder = new URL('../truth/', import.meta.url)
const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
const read = (name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Truth

/** The lab's API VIP stands on control1; no object of the cluster says so. */
const withVip = (world: World): World => {
  const [first] = world.nodes
  return { floating: first === undefined ? [] : [{ address: parseAddress('192.168.218.189'), nodes: [first.name] }], ...world }
}

const connectionOf = ([from, destination, protocol, port, , via]: TruthPacket, places: Truth['places']): Connection => ({
  source: parseAddress((destination.includes(':') ? places[`${from}/6`] : undefined) ?? places[from] ?? from),
  destination: destination as Address,
  protocol: protocol === 'ICMP' && destination.includes(':') ? 'ICMPv6' : protocol,
  ...(via === undefined ? {} : { via }),
  ...(port === null ? {} : { port }),
  ...(protocol === 'ICMP' ? { icmp: { type: destination.includes(':') ? 128 : 8, code: 0 } } : {}),
})

describe.each(files)('what real packets did: %s', (file) => {
  const truth = read(file)
  it.each(truth.states.map((state) => [state.name, state] as const))('%s', (_, { objects, packets }) => {
    const verdict = createVerdicts({ ...withVip(truth.world), ...(objects as unknown as Pick<World, 'hostEndpoints' | 'policies' | 'networkSets'>) })
    const wrong = packets.flatMap((packet) => {
      const connection = connectionOf(packet, truth.places)
      const { action, decisions } = verdict(connection)
      const seen = packet[4] === 'TIMEOUT' ? 'deny' : 'allow'
      // Whether a node's kernel lets a packet to its loopback in is a sysctl no object of the cluster tells: not knowing is right there, a wrong word is not.
      if (action === 'unknown' && connection.destination.startsWith('127.')) return []
      return action === seen ? [] : [{ packet: packet.join(' '), action, decisions }]
    })
    expect(packets.length).toBeGreaterThan(0)
    expect(wrong).toEqual([])
  })
})
