import fc from 'fast-check'
import type { AllowEntry, HostFirewall } from '../../src/firewall/file/host-firewall.ts'
import { addressOf, parseAddress } from '../../src/net/address.ts'
import { type Cidr, networkOf } from '../../src/net/cidr.ts'
import type { PortRange } from '../../src/net/port.ts'

const label = fc.stringMatching(/^[a-z][a-z0-9]{0,8}(-[a-z]{1,4})?$/)
/** Values YAML 1.1 readers take for something else than text, among others. */
const labelValue = fc.oneof(label, fc.constantFrom('yes', 'on', 'true', 'null', '1', '0o14', '1e3', '2026-01-01', 'y', '', '0x10'))
const net4 = fc
  .tuple(fc.integer({ min: 0x0b000000, max: 0x7effffff }), fc.integer({ min: 8, max: 32 }))
  .map(([value, length]) => networkOf(addressOf(4, BigInt(value)), length))
const net6 = fc
  .tuple(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 32, max: 128 }))
  .map(([group, length]) => networkOf(parseAddress(`2001:db8:${group.toString(16)}::1`), length))
const nets = fc.uniqueArray(fc.oneof(net4, net6), { minLength: 1, maxLength: 4 })

const range = fc
  .tuple(fc.integer({ min: 1, max: 65535 }), fc.integer({ min: 0, max: 20 }))
  .map(([first, more]): PortRange => ({ first, last: Math.min(65535, first + more) }))
const withPorts = fc.record({ protocol: fc.constantFrom('TCP', 'UDP', 'SCTP'), ports: fc.array(range, { maxLength: 3 }) })
const byNumber = fc.record({ protocol: fc.constantFrom(2, 47, 50, 112, 136, 255), ports: fc.constant([]) })
const traffic = fc.array(fc.oneof({ weight: 4, arbitrary: withPorts }, { weight: 1, arbitrary: byNumber }), { minLength: 1, maxLength: 3 })

/** An allow entry; its sources have members of every family its destinations have. */
export const allowEntry = fc.record({ name: label, toNodes: fc.boolean(), to: nets, hasFrom: fc.boolean(), from: fc.tuple(net4, net6), traffic }).map(
  ({ name, toNodes, to, hasFrom, from, traffic: some }): AllowEntry => ({
    name,
    to: toNodes ? { nodes: true } : { nets: to },
    ...(hasFrom ? { from: { nets: from } } : {}),
    traffic: some,
  }),
)

const failsafes = fc.uniqueArray(fc.record({ protocol: fc.constantFrom('TCP', 'UDP'), port: fc.integer({ min: 1, max: 65535 }) }), {
  maxLength: 3,
  selector: ({ protocol, port }) => `${protocol}/${port}`,
})

/** A HostFirewall as parsing gives it. */
export const hostFirewall = fc
  .record({
    name: label,
    names: fc.uniqueArray(fc.stringMatching(/^(eth|ens|bond)[0-9]{1,3}$/), { minLength: 1, maxLength: 3 }),
    matchLabels: fc.dictionary(label, labelValue, { maxKeys: 2, noNullPrototype: true }),
    labels: fc.dictionary(label, labelValue, { maxKeys: 2, noNullPrototype: true }),
    trustedNets: fc.oneof(fc.constant([] as Cidr[]), nets),
    allow: fc.uniqueArray(allowEntry, { maxLength: 4, selector: ({ name }) => name }),
    egress: fc.option(fc.uniqueArray(fc.record({ name: label, to: fc.record({ nets }), traffic }), { maxLength: 3, selector: ({ name }) => name }), {
      nil: undefined,
    }),
    inbound: failsafes,
    outbound: failsafes,
    icmp: fc.constantFrom(undefined, 'trusted' as const),
    narrowed: fc.option(
      fc.tuple(
        failsafes.filter((ports) => ports.length > 0),
        nets,
      ),
      { nil: undefined },
    ),
  })
  .map(
    ({ name, names, matchLabels, labels, trustedNets, allow, egress, inbound, outbound, icmp, narrowed }): HostFirewall => ({
      apiVersion: 'calico-fw.github.io/v1alpha1',
      kind: 'HostFirewall',
      metadata: { name },
      spec: {
        interfaces: [{ nodeSelector: { matchLabels }, names, labels }],
        trustedNets,
        allow,
        ...(egress === undefined ? {} : { egress }),
        extraFailsafePorts: { inbound, outbound },
        ...(narrowed === undefined ? {} : { narrowFailsafes: [{ ports: narrowed[0], from: narrowed[1] }] }),
        ...(icmp === undefined ? {} : { icmp }),
      },
    }),
  )
