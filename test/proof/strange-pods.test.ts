import { describe, expect, it } from 'vitest'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import { addressOf, parseAddress } from '../../src/net/address.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { provePlan } from '../../src/proof/prove-plan.ts'
import { homePlan } from '../firewall/home-plan.ts'
import { homeFacts, nodeName } from '../fixtures/home-facts.ts'

const home = homeFacts()
/** The pods of every Service have these addresses, on ws1. */
const withPods = (address: string, more: Partial<Facts> = {}): Facts => ({
  ...home,
  ...more,
  services: home.services.map((service) =>
    service.namespace === 'default'
      ? service
      : { ...service, endpoints: service.endpoints.map((one) => ({ ...one, address: parseAddress(address), node: nodeName('ws1') })) },
  ),
})
const bare: Partial<Facts> = { podCidrs: [], ipPools: [], nodes: home.nodes.map((node) => ({ ...node, podCidrs: [] })) }
const strange = (facts: Facts, trustedNets: readonly string[] = []) =>
  provePlan({ facts, plan: homePlan(facts, { trustedNets: trustedNets.map(parseCidr) }) }).refusals.filter(({ rule }) =>
    rule.includes('is in no IPPool'),
  )

// Found in review: with Amazon's or Azure's CNI no pool and no pod range tells where pods are, so they were strangers to closed nodes, and nothing asked.
describe('pods whose addresses Calico does not hand out', () => {
  it('are missed by the proof, with an address, its Service and what to trust', () => {
    const [refusal, ...more] = strange(withPods('10.9.3.7', bare))
    expect(more).toEqual([])
    expect(refusal?.flow).toBe(`pod 10.9.3.7 of Service ingress-nginx/ingress on ${nodeName('ws1')} -> nodes`)
    expect(refusal?.remedy).toContain('--trust CIDR, for example 10.9.0.0/16')
  })

  it.each<[string, Facts, string[]]>([
    ['in a pool', withPods('10.233.65.9'), []],
    ['trusted by the file', withPods('10.9.3.7', bare), ['10.9.0.0/16']],
    ['on the node’s own network', withPods('192.168.218.174', bare), []],
  ])('are fine %s', (_, facts, trusted) => {
    expect(strange(facts, trusted)).toEqual([])
  })

  it('are fine without a node: such an endpoint is outside', () => {
    const facts = withPods('198.51.100.7', bare)
    const outside = { ...facts, services: facts.services.map((one) => ({ ...one, endpoints: one.endpoints.map(({ node: _, ...rest }) => rest) })) }
    expect(strange(outside)).toEqual([])
  })

  it('are counted in one refusal', () => {
    const facts = withPods('10.9.3.7', bare)
    const services = facts.services.map((one, index) => ({
      ...one,
      endpoints: one.endpoints.map((each, at) =>
        one.namespace === 'default' ? each : { ...each, address: addressOf(4, BigInt(0x0a090000 + index * 256 + at)) },
      ),
    }))
    expect(strange({ ...facts, services })[0]?.flow).toMatch(/-> nodes \(and \d+ more\)$/)
  })
})
