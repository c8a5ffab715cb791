import fc from 'fast-check'
import type { ServiceFacts } from '../../../src/firewall/facts/facts.ts'
import { type Address, parseAddress } from '../../../src/net/address.ts'
import type { Connection } from '../../../src/verdict/model.ts'
import { type Terrain, tcpPorts, udpPorts } from './terrain.ts'

/** Sources beyond every machine of the lab; only rule dumps are asked about them. */
const strangers = ['192.168.218.99', '8.8.8.8', '203.0.113.77'].map(parseAddress)

const dialled = (service: ServiceFacts, terrain: Terrain): { address: Address; port: number }[] =>
  service.ports.flatMap(({ port, nodePort }) => [
    ...[...service.clusterIPs, ...service.externalIPs, ...service.loadBalancerIPs].map((address) => ({ address, port })),
    ...(nodePort === undefined ? [] : [...terrain.nodes, ...terrain.held].map(({ address }) => ({ address: parseAddress(address), port: nodePort }))),
  ])

const ephemeral = fc.integer({ min: 32_768, max: 60_999 })
const sourcePort = fc.oneof({ arbitrary: ephemeral, weight: 8 }, { arbitrary: fc.constantFrom(22, 53, 68, 80, 179, 443, 2379, 9100), weight: 1 })
const port = fc.oneof(
  { arbitrary: fc.constantFrom<number>(...tcpPorts, ...udpPorts, 10_250, 6443), weight: 6 },
  { arbitrary: fc.integer({ min: 1, max: 65_535 }), weight: 1 },
  { arbitrary: fc.constantFrom(19, 20, 30, 31, 90, 91, 1023, 1024, 8000, 8150, 8160, 30_000, 32_767, 32_768, 65_535), weight: 1 },
)

/** A packet as both sides are asked about it: its source port is told, and the node it comes in by where its destination says nothing. */
export const arbitraryPacket = (terrain: Terrain, services: readonly ServiceFacts[]): fc.Arbitrary<Connection> => {
  const sources = fc.oneof(
    {
      arbitrary: fc.constantFrom(...terrain.addresses.map(parseAddress)).filter((address) => !terrain.held.some((held) => held.address === address)),
      weight: 12,
    },
    { arbitrary: fc.constantFrom(...strangers), weight: 1 },
  )
  const destinations = fc.constantFrom(...terrain.addresses.map(parseAddress))
  const fronts = services.flatMap((service) =>
    service.ports.flatMap(({ protocol }) => dialled(service, terrain).map((front) => ({ ...front, protocol }))),
  )
  const via = fc.constantFrom(...terrain.nodes.map(({ fqdn }) => fqdn))
  const plain = fc.tuple(
    destinations,
    fc.constantFrom('TCP' as const, 'TCP' as const, 'TCP' as const, 'UDP' as const, 'SCTP' as const, 'UDPLite' as const),
    port,
  )
  const others: fc.Arbitrary<Pick<Connection, 'protocol' | 'icmp'>> = fc.oneof(
    fc.constantFrom({ protocol: 'ICMP' as const, icmp: { type: 8, code: 0 } }, { protocol: 'ICMP' as const, icmp: { type: 13, code: 0 } }),
    fc.constantFrom({ protocol: 112 }, { protocol: 47 }),
  )
  return fc.oneof(
    {
      arbitrary: fc.tuple(sources, plain, sourcePort, via).map(
        ([source, [destination, protocol, number], from, by]): Connection => ({
          source,
          destination,
          protocol,
          port: number,
          sourcePort: from,
          via: by,
        }),
      ),
      weight: 8,
    },
    {
      arbitrary: fc.tuple(sources, fc.constantFrom(...fronts), sourcePort, via).map(
        ([source, { address, port: number, protocol }, from, by]): Connection => ({
          source,
          destination: address,
          protocol,
          port: number,
          sourcePort: from,
          via: by,
        }),
      ),
      weight: 5,
    },
    {
      arbitrary: fc
        .tuple(sources, destinations, others, via)
        .map(([source, destination, what, by]): Connection => ({ source, destination, ...what, via: by })),
      weight: 2,
    },
  )
}
