import { describe, expect, it } from 'vitest'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import { planPackets } from '../../src/proof/plan-packets.ts'
import { committedWorld } from '../../src/proof/plan-states.ts'
import { packetsText } from '../../src/ui/packets-text.ts'
import { whoReaches } from '../../src/verdict/packet-sets.ts'
import { bigFacts, bigFirewall } from '../fixtures/big-facts.ts'
import { homeAddresses as at, homeFacts } from '../fixtures/home-facts.ts'
import { homeFirewall, homePlan } from './home-plan.ts'

const facts = homeFacts()
const plan = homePlan(facts)

describe('the packets of the home plan', () => {
  const lines = packetsText(planPackets(facts, plan))
  it('close what comes in, but for failsafes and for whom the plan trusts', () => {
    expect(lines[0]).toMatch(/^closes every TCP port but 22, 179, 2379-2380, 5473, 6443, 6666-6667, 7443; every UDP port but 68; every SCTP port; /)
    expect(lines[0]).toContain('ws1.kryukov.local (192.168.218.174)')
    expect(lines[0]).toMatch(
      /for everyone but 10\.233\.0\.0\/16, 192\.168\.218\.171, 192\.168\.218\.174\/31, 192\.168\.218\.176\/31, 192\.168\.218\.189$/,
    )
  })
  it('leave the VIP the file opens alone', () => {
    expect(lines.filter((line) => line.includes(at.ingressVip))).toEqual([])
  })
  it('are none where nothing changes', () => {
    const { policies, hostEndpoints, networkSets, failsafes } = committedWorld(facts, plan)
    const kept = { ...facts, policies, hostEndpoints, networkSets, failsafes }
    expect(packetsText(planPackets(kept, makePlan({ firewall: homeFirewall, facts: kept, change: 2, windowSeconds: 90 })))).toEqual([])
  })
  it('agree with who can reach a port once it is kept', () => {
    const world = committedWorld(facts, plan)
    const closed = planPackets(facts, plan).changes.find(({ change, traffic }) => change === 'closes' && traffic.startsWith('every TCP'))
    expect(whoReaches(world, { destination: at.ws2, protocol: 'TCP', port: 10250 }).deny).toEqual(closed?.sources)
  })
})

describe('a big cluster', () => {
  const size = { nodes: 400, kinds: 3, policies: 40, services: 300 }
  const big = bigFacts(size)
  const made = makePlan({ firewall: bigFirewall(size), facts: big, change: 1, windowSeconds: 90 })
  it('is told by one node of each kind and one Service of each shape, and says so', () => {
    const packets = planPackets(big, made)
    expect(packets.nodes.length).toBeLessThan(8)
    expect(packets.nodes.reduce((sum, { like }) => sum + like, 0)).toBe(size.nodes)
    const lines = packetsText(packets)
    expect(lines.some((line) => /^closes every TCP port but .* and \d+ nodes like it/.test(line))).toBe(true)
    expect(lines.at(-1)).toMatch(/^not asked about: \d+ Services/)
  })
})
