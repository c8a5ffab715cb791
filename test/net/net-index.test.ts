import fc from 'fast-check'
import { expect, it } from 'vitest'
import { addressOf } from '../../src/net/address.ts'
import { contains, covers, hostCidr, networkOf, overlaps, rangeOf } from '../../src/net/cidr.ts'
import { netIndex } from '../../src/net/net-index.ts'

const v4 = fc.tuple(fc.constantFrom(4 as const), fc.bigInt({ min: 0n, max: 255n }), fc.integer({ min: 24, max: 32 }))
const v6 = fc.tuple(fc.constantFrom(6 as const), fc.bigInt({ min: 0n, max: 255n }), fc.integer({ min: 120, max: 128 }))
const net = fc.oneof(v4, v6).map(([family, at, length]) => networkOf(addressOf(family, at), length))
const address = fc.oneof(v4, v6).map(([family, at]) => addressOf(family, at))

// Found in review: address by address against every net, doctor took minutes over 5,000 nodes.
it('answers as each net alone would, and covers what they hold together', () => {
  fc.assert(
    fc.property(fc.array(net), net, address, (nets, one, at) => {
      const index = netIndex(nets)
      expect(index.overlaps(one)).toBe(nets.some((known) => overlaps(known, one)))
      expect(index.covers(hostCidr(at))).toBe(nets.some((known) => contains(known, at)))
      if (nets.some((known) => covers(known, one))) expect(index.covers(one)).toBe(true)
      const { family, first, last } = rangeOf(one)
      const all = Array.from({ length: Number(last - first) + 1 }, (_, step) => addressOf(family, first + BigInt(step)))
      expect(index.covers(one)).toBe(all.every((each) => nets.some((known) => contains(known, each))))
    }),
  )
})
