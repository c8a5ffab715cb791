import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hideAddresses } from '../../src/net/hide-addresses.ts'

const hidden = (...texts: string[]): string => texts.map(hideAddresses(texts)).join(' | ')

describe('hiding addresses', () => {
  it.each([
    ['192.168.218.180', 'address-1'],
    ['from 10.0.0.0/8 to 192.168.218.180:443/tcp, again 10.0.0.0', 'from address-1/8 to address-2:443/tcp, again address-1'],
    ['tcp/192.168.218.174/31110', 'tcp/address-1/31110'],
    ['tcp:10.0.0.5 and 192.168.218.174_31110', 'tcp:address-1 and address-2_31110'],
    ['https://[2001:db8::1]:6443', 'https://[address-1]:6443'],
    ['fd00:db8::/48 and ::1 and ::/0', 'address-1/48 and address-2 and address-3/0'],
    ['2001:db8:0:1:2:3:4:5', 'address-1'],
    ['::ffff:192.168.218.5', '::ffff:address-1'],
    ['192.168.218.180.', 'address-1.'],
    ['ip-10-0-0-1.eu-west-1.compute.internal', 'ip-address-1.eu-west-1.compute.internal'],
  ])('%s', (text, without) => expect(hidden(text)).toBe(without))

  it.each([
    [['calico-fw-allow-vip-192-168-218-174-80', '192.168.218.174/32'], 'calico-fw-allow-vip-address-1-80 | address-1/32'],
    [['vip-2-192-168-218-174', '192.168.218.174'], 'vip-2-address-1 | address-1'],
    [['calico-fw-allow-vip-2001-db8-10-10-443', '2001:db8:10::10/128'], 'calico-fw-allow-vip-address-1-443 | address-1/128'],
  ])('in names that spell an address of the same document: %j', (texts, without) => expect(hidden(...texts)).toBe(without))

  it.each([
    'v3.32.1',
    '1.2.3.4.5',
    '2026-11-25T10:20:30.123Z',
    '10:20:30',
    'aa:bb:cc:dd:ee:ff',
    'sha256:0123abcd',
    '300.1.1.1',
    'ws1.kryukov.local',
    'std::vector',
    '22/tcp',
  ])('leaves %s', (text) => expect(hidden(text)).toBe(text))

  it('leaves no address of any text of words and addresses, and names the same one the same each time', () => {
    const address = fc.oneof(
      fc.ipV4(),
      fc.ipV6().filter((one) => !one.includes('.')),
    )
    fc.assert(
      fc.property(fc.array(address, { minLength: 1, maxLength: 5 }), (addresses) => {
        const hide = hideAddresses(addresses)
        expect(hide(addresses.map((one) => `at ${one}, `).join(''))).toMatch(/^(?:at address-\d+, )+$/)
        expect(hide(addresses[0] ?? '')).toBe('address-1')
      }),
    )
  })
})
