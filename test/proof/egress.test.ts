import { expect, it } from 'vitest'
import type { Facts } from '../../src/firewall/facts.ts'
import type { EgressEntry } from '../../src/firewall/host-firewall.ts'
import { makePlan } from '../../src/firewall/plan-maker.ts'
import { parseAddress } from '../../src/net/address.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { provePlan } from '../../src/proof/prove-plan.ts'
import { homeFacts } from '../fixtures/home-facts.ts'
import { homeFirewall, homePlan } from './home-plan.ts'
import { quietComponents, richFacts, richPlan } from './rich-cluster.ts'

const prove = (facts: Facts, egress: readonly EgressEntry[]) =>
  provePlan({ facts, plan: homePlan(facts, { ...homeFirewall, spec: { ...homeFirewall.spec, egress } }) })
const time: EgressEntry = {
  name: 'time',
  to: { nets: [parseCidr('192.0.2.123/32')] },
  traffic: [{ protocol: 'UDP', ports: [{ first: 123, last: 123 }] }],
}
const withClock = (facts: Facts): Facts => ({ ...facts, components: { ...quietComponents, timeServers: [parseAddress('192.0.2.123')] } })

it('an egress allowlist cuts no node in any state of its rollout, with nothing undecided', () => {
  const { refusals, undecided, scope } = prove(homeFacts(), [])
  expect([refusals, undecided]).toEqual([[], []])
  expect(scope.lifeLines).toBeGreaterThan(100)
})

it('one without the time server that nodes ask is refused, with the entry that lets it out', () => {
  const [first] = prove(withClock(homeFacts()), []).refusals
  expect(first).toMatchObject({
    flow: expect.stringMatching(/^node .* -> a time server \(123\/udp\) at 192\.0\.2\.123$/),
    rule: expect.stringContaining('calico-fw-gate-1-egress'),
    remedy: 'add to spec.egress: {name: more, to: {nets: [192.0.2.123/32]}, traffic: [{protocol: UDP, ports: [123]}]}',
  })
  expect(prove(withClock(homeFacts()), [time]).refusals).toEqual([])
})

it('nor one in a cluster with everything in it', () => {
  const facts = richFacts()
  const { firewall } = richPlan(facts)
  const plan = makePlan({ firewall: { ...firewall, spec: { ...firewall.spec, egress: [time] } }, facts, change: 1, windowSeconds: 90 })
  const { refusals, undecided } = provePlan({ facts, plan })
  expect([refusals, undecided]).toEqual([[], []])
})
