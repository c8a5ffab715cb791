import { describe, expect, it } from 'vitest'
import { type Address, parseAddress } from '../../src/net/address.ts'
import { failsafesAfter } from '../../src/proof/failsafes-after.ts'
import { committedWorld } from '../../src/proof/plan-states.ts'
import type { Connection, World } from '../../src/verdict/model.ts'
import { createVerdicts } from '../../src/verdict/verdicts.ts'
import { worldOf } from '../../src/verdict/world.ts'
import { homeAddresses as at, homeFacts, podOf } from '../fixtures/home-facts.ts'
import { tutorialHostEndpoints, tutorialPolicies } from '../fixtures/tutorial.ts'
import { homePlan } from './home-plan.ts'

const facts = homeFacts()
const plan = homePlan(facts)
const bare = worldOf(facts)
const committed = committedWorld(facts, plan)

/** The tutorial's manifests, with the failsafes its author meant: the API VIP's port added to the defaults. */
const tutorial: World = {
  ...bare,
  failsafes: failsafesAfter(facts, plan.failsafes),
  policies: tutorialPolicies,
  hostEndpoints: tutorialHostEndpoints(facts.nodes),
}

const nodes = [at.control1, at.ws1, at.ws2, at.ws3, at.ws4]
const sources = [at.operator, at.windowsClient, at.outsider, parseAddress('192.168.218.200'), ...nodes, podOf(0), podOf(1), podOf(4)]
const destinations = [
  ...nodes,
  podOf(0),
  podOf(2),
  at.ingressVip,
  at.apiVip,
  ...['10.233.0.1', '10.233.11.10', '127.0.0.1', '198.51.100.7'].map(parseAddress),
]
const ports = [22, 53, 80, 111, 179, 443, 2379, 2381, 5473, 6443, 7443, 8080, 9100, 10250, 10257, 30880, 31110, 31852, 31999]

const connections = sources.flatMap((source) =>
  destinations.flatMap((destination): Connection[] => [
    ...ports.flatMap((port) => [
      { source, destination, protocol: 'TCP' as const, port },
      { source, destination, protocol: 'UDP' as const, port },
    ]),
    { source, destination, protocol: 'ICMP', icmp: { type: 8, code: 0 } },
    { source, destination, protocol: 112 },
  ]),
)

const isMartian = ({ destination, source }: Connection) => destination.startsWith('127.') && !(nodes as Address[]).includes(source)
const isIcmp = ({ protocol }: Connection) => protocol === 'ICMP'

describe('the home example, committed', () => {
  const [ours, theirs] = [createVerdicts(committed), createVerdicts(tutorial)]
  const different = connections.filter((connection) => ours(connection).action !== theirs(connection).action)

  it('gives what the tutorial’s manifests give, packet for packet, but for ICMP and packets to loopback', () => {
    const decided = connections.filter((connection) => ours(connection).action !== 'unknown' && theirs(connection).action !== 'unknown')
    expect(decided.length).toBeGreaterThan(5_000)
    expect(different.filter((connection) => !isMartian(connection) && !isIcmp(connection))).toEqual([])
  })
  it('opens ICMP, which the tutorial drops', () => {
    const answering: readonly Address[] = [...nodes, podOf(0), podOf(2), at.apiVip]
    const icmp = different.filter((connection) => isIcmp(connection) && answering.includes(connection.destination))
    expect(icmp.length).toBeGreaterThan(0)
    expect(new Set(icmp.map((connection) => `${theirs(connection).action} -> ${ours(connection).action}`))).toEqual(new Set(['deny -> allow']))
  })
  it('denies what the tutorial hands to the LAN: a node’s localhost services', () => {
    const martians = different.filter((connection) => isMartian(connection) && connection.protocol === 'TCP')
    expect(martians.map(({ port }) => port)).toEqual(expect.arrayContaining([10257, 2381]))
    expect(new Set(martians.map((connection) => `${theirs(connection).action} -> ${ours(connection).action}`))).toEqual(new Set(['allow -> deny']))
  })
  it('and neither closes what the tutorial opens nor opens what it closes', () => {
    const verdict = (source: Address, destination: Address, port: number) => ours({ source, destination, protocol: 'TCP', port }).action
    for (const source of [at.windowsClient, at.outsider]) {
      expect([22, 6443].map((port) => verdict(source, at.ws1, port))).toEqual(['allow', 'allow'])
      expect([80, 443].map((port) => verdict(source, at.ingressVip, port))).toEqual(['allow', 'allow'])
      expect(verdict(source, at.apiVip, 7443)).toBe('allow')
      for (const node of nodes) expect([10250, 9100, 31999, 31110, 31852].map((port) => verdict(source, node, port))).toEqual(Array(5).fill('deny'))
    }
  })
})
