import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatPortRange, formatPortSpec, type PortSpec, parsePortRange, parsePortSpec, portProtocols } from '../../src/net/port.ts'

const spec = fc
  .record({ protocol: fc.constantFrom(...portProtocols), one: fc.integer({ min: 1, max: 65535 }), other: fc.integer({ min: 1, max: 65535 }) })
  .map(({ protocol, one, other }): PortSpec => ({ protocol, first: Math.min(one, other), last: Math.max(one, other) }))

describe('ports', () => {
  it.each([
    ['80/tcp', { protocol: 'TCP', first: 80, last: 80 }],
    ['80/TCP', { protocol: 'TCP', first: 80, last: 80 }],
    ['30000-30010/udp', { protocol: 'UDP', first: 30000, last: 30010 }],
    ['1-65535/sctp', { protocol: 'SCTP', first: 1, last: 65535 }],
    ['7-7/tcp', { protocol: 'TCP', first: 7, last: 7 }],
  ])('%s', (text, expected) => {
    expect(parsePortSpec(text)).toEqual(expected)
  })

  it.each(['80', '80/', '/tcp', '80/icmp', '80/tcp/tcp', 'tcp/80', '80:90/tcp', ' 80/tcp', '80 /tcp', ''])(
    'refuses "%s" as a port with its protocol',
    (text) => {
      expect(() => parsePortSpec(text)).toThrow(expect.objectContaining({ code: 'FW_BAD_PORT', exit: 2, fix: expect.stringContaining('80/tcp') }))
    },
  )

  it.each(['0', '65536', '080', '0x50', '8e1', '80.0', '-80', '+80', '80-', '90-80', '1-65536', '99999', '1 - 2', '1-2-3', 'http', ''])(
    'refuses "%s" as a port',
    (text) => {
      expect(() => parsePortRange(text)).toThrow(expect.objectContaining({ code: 'FW_BAD_PORT' }))
    },
  )

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(spec, (one) => {
        expect(parsePortSpec(formatPortSpec(one))).toEqual(one)
        expect(parsePortRange(formatPortRange(one))).toEqual({ first: one.first, last: one.last })
      }),
    )
  })
})
