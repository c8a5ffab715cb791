import { expect, it } from 'vitest'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import { parseAddress } from '../../src/net/address.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { provePlan } from '../../src/proof/prove-plan.ts'
import { homeFacts } from '../fixtures/home-facts.ts'
import { homeFirewall, homePlan } from './home-plan.ts'

const router = parseAddress('192.168.218.1')
const facts: Facts = {
  ...homeFacts(),
  components: {
    distribution: { name: 'kubeadm', source: '' },
    calicoOwner: { name: 'operator', source: '' },
    felixSettings: [],
    bgp: { port: 179, mesh: true, peers: [{ name: 'tor', source: 'BGPPeer tor', address: router, bfd: true, by: 'Calico' }] },
    programs: [],
    timeServers: [],
    unavailableApis: [],
    operator: { via: 'direct', confirmed: [], looked: false },
  },
}
const bfd = {
  name: 'bfd',
  to: { nodes: true },
  from: { nets: [parseCidr('192.168.218.1/32')] },
  traffic: [
    {
      protocol: 'UDP',
      ports: [
        { first: 3784, last: 3784 },
        { first: 4784, last: 4784 },
      ],
    },
  ],
} as const

it('a router whose failure detection would be cut refuses the plan and names the flag; opened for it, the plan passes', () => {
  const [refusal] = provePlan({ facts, plan: homePlan(facts) }).refusals
  expect(refusal).toMatchObject({
    flow: expect.stringMatching(/^router 192\.168\.218\.1 -> node .* \(3784\/udp\)$/),
    remedy: expect.stringContaining('--open 3784/udp@192.168.218.1/32'),
  })
  const firewall = { ...homeFirewall, spec: { ...homeFirewall.spec, allow: [...homeFirewall.spec.allow, bfd] } }
  expect(provePlan({ facts, plan: homePlan(facts, firewall) }).refusals).toEqual([])
})
