import { BlockList } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Address, addressOf, bitsOf, parseAddress } from '../../src/net/address.ts'
import {
  type Cidr,
  compareCidrs,
  contains,
  covers,
  hostCidr,
  isHostCidr,
  mergeCidrs,
  networkOf,
  overlaps,
  parseCidr,
  partsOf,
  rangeOf,
} from '../../src/net/cidr.ts'

const address = fc
  .tuple(fc.constantFrom(4 as const, 6 as const), fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }))
  .filter(([family, value]) => family === 4 || value >> 32n !== 0xffffn)
  .map(([family, value]): Address => addressOf(family, family === 4 ? value & 0xffffffffn : value))
const cidr = fc
  .tuple(address, fc.integer({ min: 0, max: 128 }))
  .map(([of, length]): Cidr => networkOf(of, Math.min(length, bitsOf(of.includes(':') ? 6 : 4))))
/** Nets of a small space, so that they meet. */
const near = fc
  .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 24, max: 32 }))
  .map(([last, length]) => networkOf(parseAddress(`10.0.0.${last}`), length))

const blockList = (net: Cidr): BlockList => {
  const list = new BlockList()
  const { address: host, length } = partsOf(net)
  list.addSubnet(host, length, host.includes(':') ? 'ipv6' : 'ipv4')
  return list
}
const checks = (list: BlockList, one: Address): boolean => list.check(one, one.includes(':') ? 'ipv6' : 'ipv4')

describe('parseCidr', () => {
  it.each([
    ['10.233.0.0/16', '10.233.0.0/16'],
    ['192.168.218.53/32', '192.168.218.53/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8::/32', '2001:db8::/32'],
    ['::/0', '::/0'],
    ['fe80::1/128', 'fe80::1/128'],
  ])('%s is %s', (text, canonical) => {
    expect(parseCidr(text)).toBe(canonical)
  })

  it.each([
    ['192.168.218.53', 'write 192.168.218.53/32'],
    ['2001:db8::1', 'write 2001:db8::1/128'],
    ['10.0.0.1/8', 'write 10.0.0.0/8, or 10.0.0.1/32 for the one address'],
    ['2001:db8::1/64', 'write 2001:db8::/64, or 2001:db8::1/128 for the one address'],
    ['10.0.0.0/33', 'write a network'],
    ['10.0.0.0/99', 'write a network'],
    ['10.0.0.0/08', 'write a network'],
    ['10.0.0.0/-1', 'write a network'],
    ['10.0.0.0/', 'write a network'],
    ['10.0.0.0/8/8', 'write a network'],
    ['010.0.0.0/8', 'write a network'],
    ['2001:db8::/129', 'write a network'],
    ['::ffff:10.0.0.0/104', 'write a network'],
    ['', 'write a network'],
    ['all', 'write a network'],
  ])('refuses "%s": %s', (text, fix) => {
    expect(() => parseCidr(text)).toThrow(expect.objectContaining({ code: 'FW_BAD_CIDR', exit: 2, fix: expect.stringContaining(fix) }))
  })

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(cidr, (net) => {
        expect(parseCidr(net)).toBe(net)
      }),
    )
  })
})

describe('sets of addresses', () => {
  it('contains what node says it contains', () => {
    fc.assert(
      fc.property(near, fc.integer({ min: 0, max: 255 }), (net, last) => {
        const one = parseAddress(`10.0.0.${last}`)
        expect(contains(net, one)).toBe(checks(blockList(net), one))
      }),
    )
    fc.assert(
      fc.property(cidr, address, (net, one) => {
        expect(contains(net, one)).toBe(checks(blockList(net), one) && net.includes(':') === one.includes(':'))
      }),
    )
  })

  it('spans from its network to its last address', () => {
    fc.assert(
      fc.property(cidr, (net) => {
        const { family, first, last } = rangeOf(net)
        expect(contains(net, addressOf(family, first))).toBe(true)
        expect(contains(net, addressOf(family, last))).toBe(true)
        expect(last - first + 1n).toBe(1n << BigInt(bitsOf(family) - partsOf(net).length))
        if (first > 0n) expect(contains(net, addressOf(family, first - 1n))).toBe(false)
      }),
    )
  })

  it('covers what it holds whole, overlaps what it shares', () => {
    fc.assert(
      fc.property(near, near, (one, other) => {
        const members = Array.from({ length: 256 }, (_, last) => parseAddress(`10.0.0.${last}`))
        const inOther = members.filter((member) => contains(other, member))
        expect(covers(one, other)).toBe(inOther.every((member) => contains(one, member)))
        expect(overlaps(one, other)).toBe(inOther.some((member) => contains(one, member)))
      }),
      { numRuns: 50 },
    )
  })

  it('families never meet', () => {
    expect(overlaps(parseCidr('0.0.0.0/0'), parseCidr('::/0'))).toBe(false)
    expect(contains(parseCidr('::/0'), parseAddress('10.0.0.1'))).toBe(false)
  })

  it('merging keeps the members, drops what is covered, and is one order for all orders', () => {
    fc.assert(
      fc.property(fc.array(near, { maxLength: 8 }), fc.infiniteStream(fc.nat()), (nets, random) => {
        const merged = mergeCidrs(nets)
        for (let last = 0; last < 256; last += 5) {
          const one = parseAddress(`10.0.0.${last}`)
          expect(merged.some((net) => contains(net, one))).toBe(nets.some((net) => contains(net, one)))
        }
        expect(merged.some((net) => merged.some((other) => other !== net && covers(other, net)))).toBe(false)
        expect(merged).toEqual([...merged].sort(compareCidrs))
        const shuffled = nets.map((net) => ({ net, at: random.next().value })).sort((one, other) => one.at - other.at)
        expect(mergeCidrs(shuffled.map(({ net }) => net))).toEqual(merged)
      }),
      { numRuns: 50 },
    )
  })

  it('orders IPv4 before IPv6, and wide before narrow', () => {
    const sorted = ['10.0.0.0/8', '10.0.0.0/16', '10.0.1.0/24', '192.168.0.0/16', '::/1', '2001:db8::/32', '8000::/1'].map(parseCidr)
    expect([...sorted].reverse().sort(compareCidrs)).toEqual(sorted)
  })

  it('one address is its own network', () => {
    fc.assert(
      fc.property(address, (one) => {
        expect(isHostCidr(hostCidr(one))).toBe(true)
        expect(partsOf(hostCidr(one)).address).toBe(one)
      }),
    )
    expect(isHostCidr(parseCidr('10.0.0.0/31'))).toBe(false)
    expect(networkOf(parseAddress('192.168.218.53'), 24)).toBe('192.168.218.0/24')
  })
})
