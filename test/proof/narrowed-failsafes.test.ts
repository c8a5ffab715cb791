import { describe, expect, it } from 'vitest'
import type { Cidr } from '../../src/net/cidr.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { provePlan } from '../../src/proof/prove-plan.ts'
import { homeFacts } from '../fixtures/home-facts.ts'
import { homeFirewall, homePlan } from './home-plan.ts'

const facts = homeFacts()
const narrowed = (ports: readonly number[], from: readonly Cidr[]) => {
  const narrowFailsafes = [{ ports: ports.map((port) => ({ protocol: 'TCP' as const, port })), from }]
  const plan = homePlan(facts, { ...homeFirewall, spec: { ...homeFirewall.spec, narrowFailsafes } })
  return { plan, refusals: provePlan({ facts, plan }).refusals }
}
const operator = parseCidr('192.168.218.170/32')
const other = parseCidr('192.168.218.53/32')

describe('narrowed failsafes', () => {
  it('pass where the operator is among those who keep them', () => {
    const { plan, refusals } = narrowed([22, 6443], [operator, other])
    expect(refusals).toEqual([])
    const inbound = plan.narrowing?.all.after.inbound ?? []
    expect(inbound.filter(({ port }) => port === 22).map(({ net }) => net)).toContain('192.168.218.53/32')
    expect(inbound.filter(({ port, net }) => port === 6443 && net === undefined)).toEqual([])
    expect(plan.narrowing?.trial).toMatchObject({ node: expect.stringMatching(/^ws/), change: { ref: { name: expect.stringMatching(/^node\.ws/) } } })
    expect(plan.notices.map(({ text }) => text).join(' ')).toContain('A machine that is to join needs the API at 6443/tcp')
    expect(plan.notices.map(({ text }) => text).join(' ')).not.toMatch(/SSH \(22|are not in force today: .*(22|6443)/)
    expect(plan.differences.filter(({ because }) => because.includes('narrowFailsafes'))).toMatchObject([
      { change: 'closes', what: '22/tcp, 6443/tcp on every node and every address' },
    ])
  })

  it.each([[[22]], [[6443]]])('refuse %j without the operator, and name them', (ports) => {
    const [first] = narrowed(ports, [other]).refusals
    expect(first?.flow).toContain('192.168.218.170')
    expect(first?.state).toContain('narrowed')
    expect(first?.remedy).toBe(`add 192.168.218.170/32 to \`from\` of the entry of spec.narrowFailsafes that has port ${ports[0]}`)
  })

  it('to the nodes alone pass for etcd’s ports, whose peers are nodes', () => {
    expect(narrowed([2379, 2380], []).refusals).toEqual([])
  })
})
