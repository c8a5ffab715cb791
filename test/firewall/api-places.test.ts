import { describe, expect, it } from 'vitest'
import type { ApiEndpoint, Facts, NodeFacts } from '../../src/firewall/facts/facts.ts'
import type { Inspection } from '../../src/firewall/facts/inspection.ts'
import { nodeAddresses } from '../../src/firewall/objects/network-sets.ts'
import { parseAddress } from '../../src/net/address.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { provePlan } from '../../src/proof/prove-plan.ts'
import { questionsFor } from '../../src/ui/questions.ts'
import { worldOf } from '../../src/verdict/world.ts'
import { homeFacts, nodeName } from '../fixtures/home-facts.ts'
import { homePlan, noticesOf } from './home-plan.ts'

const home = homeFacts()
const rancher = parseAddress('203.0.113.10')
const nodes = (change: (node: NodeFacts) => Partial<NodeFacts>): Partial<Facts> => ({
  nodes: home.nodes.map((node) => ({ ...node, ...change(node) })),
})
const standingIn = (...networks: string[]) => nodes(() => ({ networks: networks.map(parseCidr) }))
const looked = (address: string): Inspection => ({
  ...{ at: '', source: '', defaultRoutes: [], backends: { calico: [], kubeProxy: [] }, sysctls: {}, unseen: [] },
  interfaces: [{ name: 'lo', kind: 'loopback', up: true, addresses: [{ address: parseAddress(address), prefix: 32 }] }],
})
const reachedAt = (address: string, more: Partial<Facts> = {}): Facts => {
  const endpoint: ApiEndpoint = { address: parseAddress(address), port: 8443, sources: ['kubeconfig'] }
  return { ...home, ...more, apiEndpoints: [...home.apiEndpoints, endpoint] }
}

// Found in review: whatever address a kubeconfig named (Rancher, Teleport, a cloud's balancer) became a failsafe for everyone on every node, and a trusted node.
describe('an API address that is no node’s', () => {
  it.each<[string, Facts, boolean]>([
    ['a VIP in the nodes’ network', reachedAt('192.168.218.199', standingIn('192.168.218.0/24')), true],
    ['a VIP, where no network is told', reachedAt('192.168.218.199'), true],
    ['a private one of another network', reachedAt('10.9.9.9', standingIn('192.168.218.0/24')), false],
    ['a public one', reachedAt('203.0.113.10', standingIn('192.168.218.0/24')), false],
    ['a public one, where no network is told and the nodes’ addresses are private', reachedAt('203.0.113.10'), false],
    [
      'a public one beside public nodes, where no network is told',
      reachedAt(
        '203.0.113.10',
        nodes(({ addresses }) => ({ addresses: [...addresses, { type: 'ExternalIP', address: parseAddress('203.0.113.70') }] })),
      ),
      true,
    ],
    [
      'a VIP a node was seen to hold, announced by BGP',
      reachedAt(
        '10.9.9.9',
        nodes(() => ({ networks: [parseCidr('192.168.218.0/24')], inspected: looked('10.9.9.9') })),
      ),
      true,
    ],
    ['one of IPv6 elsewhere, where the nodes have none', reachedAt('2001:db8::10', standingIn('192.168.218.0/24')), false],
    [
      'an API server beside the workers of a hosted control plane',
      reachedAt(
        '192.168.218.199',
        nodes(() => ({ networks: [parseCidr('192.168.218.0/24')], controlPlane: false })),
      ),
      true,
    ],
    [
      'one outside of them',
      reachedAt(
        '10.9.9.9',
        nodes(() => ({ networks: [parseCidr('192.168.218.0/24')], controlPlane: false })),
      ),
      false,
    ],
  ])('%s', (_, facts, stands) => {
    const plan = homePlan(facts)
    const address = facts.apiEndpoints.at(-1)?.address
    const has = (direction: 'inbound' | 'outbound'): boolean =>
      (plan.failsafes?.after[direction] ?? []).some(({ port, net }) => port === 8443 && !net)
    expect({ in: has('inbound'), out: has('outbound'), trusted: nodeAddresses(facts).has(address as never) }).toEqual({
      in: stands,
      out: true,
      trusted: stands,
    })
    const told = noticesOf(plan).filter((text) => text.includes(`${address}`) && text.includes('--trust'))
    expect(told).toHaveLength(stands ? 0 : 1)
    // The proof asks for what the plan makes, and for no more.
    expect(provePlan({ facts, plan }).refusals.filter(({ rule }) => rule.includes('8443'))).toEqual([])
    if (facts.nodes.some(({ controlPlane }) => controlPlane)) expect(worldOf(facts).floating?.some((one) => one.address === address)).toBe(stands)
    const offered = questionsFor(facts).flatMap(({ offers }) => offers.map(({ value }) => value))
    expect(offered.includes('8443/tcp')).toBe(stands)
  })

  it('is told of no more once the file trusts it', () => {
    const told = noticesOf(homePlan(reachedAt('203.0.113.10'), { trustedNets: [parseCidr('203.0.113.10/32')] }))
    expect(told.filter((text) => text.includes('203.0.113.10:8443') && text.includes('--trust'))).toEqual([])
  })

  it('is missed by the proof where it stands on the control plane and its port is no failsafe', () => {
    const facts = reachedAt('192.168.218.199')
    const plan = { ...homePlan(facts), failsafes: undefined }
    expect(provePlan({ facts, plan }).refusals.map(({ rule }) => rule)).toContainEqual(
      expect.stringMatching(`8443/tcp is no inbound failsafe.*${nodeName('control1')}`),
    )
    const far = { ...facts, apiEndpoints: facts.apiEndpoints.map((one) => (one.port === 8443 ? { ...one, address: rancher } : one)) }
    expect(provePlan({ facts: far, plan }).refusals.filter(({ rule }) => rule.includes('8443'))).toEqual([])
  })
})
