import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FwError } from '../../src/errors.ts'
import type { Facts, NodeFacts } from '../../src/firewall/facts/facts.ts'
import { addressesOf } from '../../src/firewall/objects/network-sets.ts'
import { addressOf, parseAddress } from '../../src/net/address.ts'
import { type Cidr, contains, covers, networkOf, parseCidr } from '../../src/net/cidr.ts'
import { homeFacts, nodeName } from '../fixtures/home-facts.ts'
import { homePlan } from './home-plan.ts'

const facts = homeFacts()
const ws1 = nodeName('ws1')
const withNode = (more: Partial<NodeFacts>): Partial<Facts> => ({
  nodes: facts.nodes.map((node) => (node.name === ws1 ? { ...node, ...more } : node)),
})
const refusal = (more: Partial<Facts>, trustedNets: readonly Cidr[] = []): FwError | undefined => {
  try {
    homePlan({ ...facts, ...more }, { trustedNets })
  } catch (error) {
    if (error instanceof FwError) return error
    throw error
  }
  return undefined
}

// Found in review: Calico's default pool 192.168.0.0/16 over a home LAN let every machine of that LAN reach every port, and no word was said.
describe('a network of pods or Services that holds the nodes or the operator', () => {
  const pool = parseCidr('192.168.0.0/16')
  it.each<[string, Partial<Facts>, RegExp]>([
    [
      'the pool of Calico’s quickstart in a home LAN',
      { podCidrs: [pool], operatorAddresses: [] },
      /^the pod network 192\.168\.0\.0\/16 holds 192\.168\.218\.171, an address of node control1\.kryukov\.local$/,
    ],
    ['a Service network there', { serviceCidrs: [parseCidr('192.168.128.0/17')] }, /^the Service network 192\.168\.128\.0\/17 holds /],
    [
      'the operator alone',
      { podCidrs: [parseCidr('172.16.0.0/12')], operatorAddresses: [parseAddress('172.20.0.9')] },
      /holds 172\.20\.0\.9, the address of this machine$/,
    ],
    [
      'a part of the network a node stands in',
      { podCidrs: [parseCidr('192.168.200.0/24')], ...withNode({ networks: [pool] }) },
      /^the pod network 192\.168\.200\.0\/24 overlaps 192\.168\.0\.0\/16, the network of node ws1\.kryukov\.local$/,
    ],
    [
      'a second NIC',
      withNode({ interfaces: [{ name: 'ens224', addresses: [parseAddress('10.233.99.7')], source: 'test' }] }),
      /holds 10\.233\.99\.7, an address of node ws1/,
    ],
    [
      'IPv6',
      { podCidrs: [parseCidr('2001:db8::/48')], ...withNode({ addresses: [{ type: 'InternalIP', address: parseAddress('2001:db8::7') }] }) },
      /holds 2001:db8::7/,
    ],
  ])('%s is refused, with both named', (_, more, what) => {
    const error = refusal(more)
    expect(error?.code).toBe('FW_OVERLAP')
    expect(error?.message).toMatch(what)
    expect(error?.fix).toMatch(/--trust \S+\/\d+/)
  })

  it.each<[string, Partial<Facts>]>([
    [
      'a node’s tunnel address and the bridge of its own pods',
      {
        ...withNode({
          otherAddresses: [{ address: parseAddress('10.233.65.0'), source: 'annotation projectcalico.org/IPv4IPIPTunnelAddr' }],
          interfaces: [
            { name: 'ens160', addresses: [parseAddress('192.168.218.174')], source: 'test' },
            { name: 'weave', addresses: [parseAddress('10.233.65.1')], source: 'test' },
          ],
          networks: [parseCidr('192.168.218.0/24'), parseCidr('10.233.65.0/24')],
        }),
      },
    ],
    ['networks beside each other', { podCidrs: [parseCidr('192.168.219.0/24'), parseCidr('192.168.216.0/23')], serviceCidrs: [] }],
  ])('%s is fine', (_, more) => {
    expect(refusal(more)).toBeUndefined()
  })

  it('is trusted where the file says so, and by nothing narrower', () => {
    const covered = { podCidrs: [pool] }
    expect(refusal(covered, [pool])).toBeUndefined()
    expect(refusal(covered, [parseCidr('192.168.0.0/15')])).toBeUndefined()
    expect(refusal(covered, [parseCidr('192.168.218.0/24')])?.code).toBe('FW_OVERLAP')
  })

  it('never stands in a plan the file does not ask for', () => {
    const net = fc
      .tuple(fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), fc.integer({ min: 8, max: 28 }))
      .map(([at, length]) => networkOf(addressOf(4, at), length))
    const near = fc
      .tuple(fc.integer({ min: 8, max: 30 }), fc.integer({ min: 0, max: 255 }))
      .map(([length, last]) => networkOf(parseAddress(`192.168.218.${last}`), length))
    fc.assert(
      fc.property(fc.array(fc.oneof(net, near), { maxLength: 4 }), fc.array(near, { maxLength: 1 }), (podCidrs, trustedNets) => {
        const inside = podCidrs.some(
          (cidr) =>
            !trustedNets.some((trusted) => covers(trusted, cidr)) &&
            [...facts.nodes.flatMap(addressesOf), ...facts.operatorAddresses].some((address) => contains(cidr, address)),
        )
        expect(refusal({ podCidrs }, trustedNets)?.code).toBe(inside ? 'FW_OVERLAP' : undefined)
      }),
      { numRuns: 60 },
    )
  })
})
