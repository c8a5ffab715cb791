import { expect, it } from 'vitest'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import type { EgressEntry } from '../../src/firewall/file/host-firewall.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
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

const router = { name: 'tor', address: parseAddress('192.168.218.1'), source: 'BGPPeer tor' }
const bgp = (port: number, bfd: boolean, by: 'Calico' | 'MetalLB' = 'Calico'): Facts => ({
  ...homeFacts(),
  components: { ...quietComponents, bgp: { port, mesh: true, peers: [{ ...router, bfd, by }] } },
})
const routed = (facts: Facts) =>
  prove(facts, [])
    .refusals.map(({ flow }) => flow)
    .filter((flow) => flow.includes('-> router'))

// Found in review: only what routers send was asked about.
it.each([
  ['BFD', bgp(179, true), /3784\/udp/],
  ['BGP on another port', bgp(1790, false), /1790\/tcp/],
])('one that cuts %s to a router is refused', (_, facts, flow) => {
  expect(routed(facts)).toContainEqual(expect.stringMatching(flow))
})

it('BGP on its own port is a failsafe', () => {
  expect(routed(bgp(179, false))).toEqual([])
  expect(routed(bgp(179, false, 'MetalLB'))).toEqual([])
})

it('names and DHCP are made failsafes where somebody took them out', () => {
  const facts = homeFacts()
  const outbound = { ports: [{ protocol: 'TCP', port: 179 }], source: { kind: 'default' as const } }
  const failsafes = Object.fromEntries(Object.entries(facts.failsafes).map(([node, lists]) => [node, { ...lists, outbound }]))
  const { failsafes: change } = homePlan({ ...facts, failsafes }, { ...homeFirewall, spec: { ...homeFirewall.spec, egress: [] } })
  expect(change?.after.outbound).toEqual(expect.arrayContaining([53, 67].map((port) => ({ protocol: 'UDP', port }))))
  expect(homePlan({ ...facts, failsafes }).failsafes?.after.outbound).not.toContainEqual({ protocol: 'UDP', port: 53 })
})

// Found in review: a webhook by URL was no callee at all, and one that is cut refuses every write.
it('one that cuts a webhook by URL is refused, and one by name is told', () => {
  const called = (host: string): Facts => ({ ...homeFacts(), urlCallees: [{ caller: 'ValidatingWebhookConfiguration guard', host, port: 8443 }] })
  expect(prove(called('192.0.2.44'), []).refusals[0]).toMatchObject({
    flow: expect.stringContaining('ValidatingWebhookConfiguration guard at 192.0.2.44:8443'),
    remedy: 'add to spec.egress: {name: more, to: {nets: [192.0.2.44/32]}, traffic: [{protocol: TCP, ports: [8443]}]}',
  })
  const plan = homePlan(called('guard.example.com'), { ...homeFirewall, spec: { ...homeFirewall.spec, egress: [] } })
  expect(plan.notices.map(({ text }) => text)).toContainEqual(expect.stringContaining('guard.example.com:8443'))
  expect(
    homePlan(called('guard.example.com'))
      .notices.map(({ text }) => text)
      .join(),
  ).not.toContain('guard.example.com')
})
