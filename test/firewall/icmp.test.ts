import { describe, expect, it } from 'vitest'
import type { HostFirewall } from '../../src/firewall/file/host-firewall.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import { parseAddress } from '../../src/net/address.ts'
import type { Connection } from '../../src/verdict/model.ts'
import { createDecider } from '../../src/verdict/verdicts.ts'
import { worldOf } from '../../src/verdict/world.ts'
import { homeFacts } from '../fixtures/home-facts.ts'
import { afterPlan } from './closed-facts.ts'
import { homeFirewall } from './home-firewall.ts'

const planOf = (spec: Partial<HostFirewall['spec']>, facts = homeFacts(), change = 1) =>
  makePlan({ firewall: homeFirewall(spec), facts, change, windowSeconds: 90 })
const decided = (spec: Partial<HostFirewall['spec']>, from: string, what: Pick<Connection, 'protocol' | 'icmp'>, to = '192.168.218.174'): string =>
  createDecider(worldOf(afterPlan(homeFacts(), planOf(spec)))).action({ source: parseAddress(from), destination: parseAddress(to), ...what })

const [inet, ws2, trusted] = ['203.0.113.7', '192.168.218.175', '10.233.1.1']
const ping: Pick<Connection, 'protocol' | 'icmp'> = { protocol: 'ICMP', icmp: { type: 8, code: 0 } }
const tooBig: Pick<Connection, 'protocol' | 'icmp'> = { protocol: 'ICMP', icmp: { type: 3, code: 4 } }

describe('who may ping', () => {
  it.each([
    ['everyone', {}, inet, ping, 'allow'],
    ['nodes', { icmp: 'trusted' as const }, ws2, ping, 'allow'],
    ['trusted networks', { icmp: 'trusted' as const }, trusted, ping, 'allow'],
    ['nobody else', { icmp: 'trusted' as const }, inet, ping, 'deny'],
    ['but errors reach a node from everywhere', { icmp: 'trusted' as const }, inet, tooBig, 'allow'],
  ])('%s', (_, spec, from, what, action) => expect(decided(spec, from, what)).toBe(action))

  it('is told in the plan, and when it changes', () => {
    const closes = (plan: ReturnType<typeof planOf>) => plan.differences.filter(({ what }) => /pings/.test(what)).map(({ change }) => change)
    expect(closes(planOf({}))).toEqual([])
    expect(closes(planOf({ icmp: 'trusted' }))).toEqual(['closes'])
    expect(closes(planOf({}, afterPlan(homeFacts(), planOf({ icmp: 'trusted' })), 2))).toEqual(['opens'])
  })
})

describe('a protocol by number', () => {
  const gre = { name: 'gre', to: { nodes: true }, from: { nets: [] }, traffic: [{ protocol: 47, ports: [] }] } as const
  it.each([
    ['lets in whom the entry names', 47, '192.168.218.53', 'allow'],
    ['and nobody else', 47, inet, 'deny'],
    ['and no other protocol', 50, '192.168.218.53', 'deny'],
  ])('%s', (_, protocol, from, action) => {
    const allow = [{ ...gre, from: { nets: ['192.168.218.53/32' as HostFirewall['spec']['trustedNets'][number]] } }]
    expect(decided({ allow }, from, { protocol })).toBe(action)
    expect(planOf({ allow }).differences).toContainEqual(
      expect.objectContaining({ what: 'all protocol 47 on every node', forWhom: '192.168.218.53/32', change: 'stays-open' }),
    )
  })
})
