import { isIPv4, isIPv6 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FwError } from '../../src/errors.ts'
import { addressOf, bitsOf, familyOf, isAddress, numberOf, parseAddress } from '../../src/net/address.ts'

const ipv6Groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 })

describe('parseAddress', () => {
  it.each([
    ['192.168.218.180', '192.168.218.180'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::', '::'],
    ['::1', '::1'],
    ['fe80::', 'fe80::'],
    ['1:0:2:0:3:0:4:0', '1:0:2:0:3:0:4:0'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['0:0:1::', '0:0:1::'],
  ])('%s is %s', (text, canonical) => {
    expect(parseAddress(text)).toBe(canonical)
  })

  it.each([
    '',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '010.0.0.1',
    '1.2.3.04',
    '0x7f.0.0.1',
    '2130706433',
    '127.1',
    ' 1.2.3.4',
    '1.2.3.4 ',
    '1.2.3.4/32',
    '+1.2.3.4',
    '1.2.3.-4',
    '1::2::3',
    ':::',
    ':1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    'g::',
    'fe80::1%eth0',
    '::ffff:10.1.1.1',
    '::ffff:a01:101',
    '[::1]',
  ])('refuses "%s"', (text) => {
    expect(isAddress(text)).toBe(false)
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: 'FW_BAD_ADDRESS', exit: 2 }))
  })

  it('takes no IPv4 that node does not take, and every one node writes', () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        expect(isIPv4(text)).toBe(true)
        expect(parseAddress(text)).toBe(text)
      }),
    )
  })

  it('writes IPv6 as node and the URL standard do', () => {
    fc.assert(
      fc.property(ipv6Groups, (groups) => {
        const text = groups.map((group) => group.toString(16)).join(':')
        fc.pre(isAddress(text))
        const address = parseAddress(text)
        expect(isIPv6(address)).toBe(true)
        expect(`[${address}]`).toBe(new URL(`http://[${text}]/`).hostname)
      }),
    )
  })

  it('takes nothing that node refuses', () => {
    /** Of random letters hardly one is an address: these are addresses in which one character is another, more or less. */
    const nearly = fc
      .tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(40), fc.constantFrom('', ...'0123456789abcdef:.'), fc.boolean())
      .map(([text, at, character, replaces]) => `${text.slice(0, at)}${character}${text.slice(at + (replaces ? 1 : 0))}`)
    let taken = 0
    fc.assert(
      fc.property(nearly, (text) => {
        if (!isAddress(text)) return
        taken++
        expect(isIPv4(text) || isIPv6(text)).toBe(true)
      }),
      { numRuns: 2000 },
    )
    expect(taken).toBeGreaterThan(200)
    expect(taken).toBeLessThan(1_900)
  })
})

describe('numbers', () => {
  it('an address is its number', () => {
    fc.assert(
      fc.property(fc.constantFrom(4 as const, 6 as const), fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), (family, wide) => {
        const value = family === 4 ? wide & 0xffffffffn : wide
        fc.pre(value >> 32n !== 0xffffn || family === 4)
        const address = addressOf(family, value)
        expect(parseAddress(address)).toBe(address)
        expect(numberOf(address)).toBe(value)
        expect(familyOf(address)).toBe(family)
        expect(value < 1n << BigInt(bitsOf(family))).toBe(true)
      }),
    )
  })

  it('tells what to write instead', () => {
    expect(() => parseAddress('010.0.0.1')).toThrow(FwError)
    try {
      parseAddress('010.0.0.1')
    } catch (error) {
      expect(error).toMatchObject({ message: '"010.0.0.1" is not an IP address', fix: expect.stringContaining('no leading zeros') })
    }
  })
})
