import { describe, expect, it } from 'vitest'
import { readNet } from '../../../src/calico/nets.ts'
import { parseSelector } from '../../../src/calico/selector.ts'
import type { Decision, Verdict } from '../../../src/verdict/model.ts'
import { layoutOf } from '../layout.ts'
import { defaultVariant } from '../options.ts'
import { arbitraryPacket } from './arbitrary-packets.ts'
import { drawn, drawnEra, drawnObjects } from './campaign.ts'
import { compareWithAnswer } from './probing.ts'
import { missing, sentinels } from './sentinels.ts'
import { shrink, smallerThan } from './shrink.ts'
import { terrainOf } from './terrain.ts'

const terrain = terrainOf(layoutOf({ nodes: 3 }, 'x-'))
const lab = { variant: defaultVariant }
const sets = Array.from({ length: 40 }, (_, set) => {
  const era = drawnEra(terrain, 7, set % 4)
  return { era, objects: drawnObjects(lab, terrain, era, 7, set % 4, set) }
})

describe('a draw', () => {
  it('is the same for the same seed, and another for another', () => {
    const era = drawnEra(terrain, 1, 0)
    const objects = (set: number) => JSON.stringify(drawnObjects(lab, terrain, era, 1, 0, set))
    expect(objects(3)).toBe(objects(3))
    expect(objects(3)).not.toBe(objects(4))
    const packets = () => JSON.stringify(drawn(arbitraryPacket(terrain, era.services), 5, 20))
    expect(packets()).toBe(packets())
  })

  it('holds policies of every kind that Calico’s validator takes', () => {
    const policies = sets.flatMap(({ objects }) => objects.policies)
    for (const { spec } of policies) {
      expect(() => parseSelector(spec.selector ?? '')).not.toThrow()
      if (spec.preDNAT) expect(spec).toMatchObject({ types: ['Ingress'], applyOnForward: true })
      if (spec.doNotTrack) expect(spec.applyOnForward).toBe(true)
      for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
        const sides = [rule.source ?? {}, rule.destination ?? {}]
        if (sides.some(({ ports, notPorts }) => ports ?? notPorts)) expect(['TCP', 'UDP', 'SCTP', 6, 17]).toContain(rule.protocol)
        if (rule.icmp ?? rule.notICMP) expect(rule.protocol).toBe('ICMP')
        for (const net of sides.flatMap(({ nets = [], notNets = [] }) => [...nets, ...notNets])) {
          expect(readNet(net)).toBeDefined()
          expect(net).not.toMatch(/\/0$/)
        }
        if (rule.source?.services) expect(spec.ingress).toContain(rule)
        if (rule.destination?.services) expect(spec.egress).toContain(rule)
      }
    }
    expect(policies.some(({ spec }) => spec.preDNAT)).toBe(true)
    expect(policies.some(({ spec }) => spec.doNotTrack)).toBe(true)
    expect(policies.some(({ spec }) => spec.applyOnForward && !spec.preDNAT && !spec.doNotTrack)).toBe(true)
    expect(policies.some(({ spec }) => !spec.applyOnForward)).toBe(true)
  })

  it('never takes the lab’s own API server and etcd out of the failsafes', () => {
    for (const { era } of sets)
      for (const list of [era.inbound, era.outbound]) for (const port of [6443, 2379, 2380]) expect(list).toContainEqual({ protocol: 'TCP', port })
  })
})

describe('shrinking', () => {
  const [first] = sets
  it('ends with what alone still shows it', async () => {
    const objects = sets.map((one) => one.objects).find(({ policies, hostEndpoints }) => policies.length > 2 && hostEndpoints.length > 2)
    const [kept] = objects?.policies ?? []
    if (objects === undefined || kept === undefined) throw new Error('no such draw')
    const smallest = await shrink(objects, async ({ policies }) => policies.some(({ metadata }) => metadata.name === kept.metadata.name), 500)
    expect(smallest).toMatchObject({ hostEndpoints: [], networkSets: [] })
    expect(smallest.policies.map(({ metadata }) => metadata.name)).toEqual([kept.metadata.name])
    expect([...(smallest.policies[0]?.spec.ingress ?? []), ...(smallest.policies[0]?.spec.egress ?? [])]).toEqual([])
  })
  it('tries sets that lack one thing each', () => {
    if (first === undefined) throw new Error('nothing was drawn')
    const text = JSON.stringify(first.objects)
    for (const smaller of smallerThan(first.objects)) expect(JSON.stringify(smaller).length).toBeLessThan(text.length)
  })
})

describe('sentinels', () => {
  const table = (name: string, net: string) => `\n*${name}\n-A cali-pi-x -s ${net}/32 -j ACCEPT\nCOMMIT\n`
  const ipsets = 'add a 198.19.0.8\nadd b 100.64.0.8\nadd c 100.65.0.8\n'
  it('are seen only with their own number, in every table and set', () => {
    const all = ['raw', 'mangle', 'filter'].map((name) => table(name, '198.18.0.8')).join('')
    expect(missing({ iptables: all, ipsets, nft: '' }, false, 7)).toEqual([])
    expect(missing({ iptables: all, ipsets, nft: '' }, false, 8)).toEqual(['raw', 'mangle', 'filter', 'globalSet', 'set', 'endpoint'])
    expect(missing({ iptables: `${table('raw', '198.18.0.8')}${table('filter', '198.18.0.81')}`, ipsets: '', nft: '' }, false, 7)).toEqual(
      expect.arrayContaining(['mangle', 'filter', 'globalSet']),
    )
  })
  it('are written for every node, and for one that is none', () => {
    const nodes = sentinels(terrain.nodes, 7).flatMap((object) => (object.kind === 'HostEndpoint' ? [(object.spec as { node: string }).node] : []))
    expect(nodes).toEqual([...terrain.nodes.map(({ fqdn }) => fqdn), 'nowhere'])
  })
})

describe('a refusal on the wire', () => {
  const denied = (stage: Decision['stage']): Verdict => ({ action: 'deny', decisions: [{ node: 'ws1', stage, text: '' }] })
  it('speaks against a Deny, but for a datagram that went untracked past its Service to a port nobody listens on', () => {
    expect(compareWithAnswer(denied('normal'), 'REFUSED', 'UDP')).toBe('disagree')
    expect(compareWithAnswer(denied('doNotTrack'), 'REFUSED', 'UDP')).toBe('unknown')
    expect(compareWithAnswer(denied('doNotTrack'), 'REFUSED', 'TCP')).toBe('disagree')
    expect(compareWithAnswer(denied('service'), 'REFUSED', 'UDP')).toBe('agree')
  })
})
