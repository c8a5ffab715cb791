import { describe, expect, it } from 'vitest'
import { defaultFailsafes } from '../../src/calico/failsafes.ts'
import type { RuleProtocol } from '../../src/calico/shapes.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import { type Address, parseAddress } from '../../src/net/address.ts'
import type { Connection, World } from '../../src/verdict/model.ts'
import { createVerdicts } from '../../src/verdict/verdicts.ts'
import { worldOf } from '../../src/verdict/world.ts'
import { homeAddresses as at, homeFacts, nodeName, podOf } from '../fixtures/home-facts.ts'
import { tutorialHostEndpoints, tutorialPolicies } from '../fixtures/tutorial.ts'
import { afterPlan } from './closed-facts.ts'
import { homeFirewall } from './home-firewall.ts'

const facts = homeFacts()
const plan = makePlan({ firewall: homeFirewall(), facts, change: 1, windowSeconds: 90 })

/** The tutorial with 7443 in its failsafes too, as it says they should be. */
const inbound = [...defaultFailsafes.inbound, { protocol: 'TCP', port: 7443 }]
const outbound = [...defaultFailsafes.outbound, { protocol: 'TCP', port: 7443 }]
const source = { kind: 'felixconfiguration', name: 'default' } as const
const failsafes = Object.fromEntries(
  facts.nodes.map(({ name }) => [name, { inbound: { ports: inbound, source }, outbound: { ports: outbound, source } }]),
)

const tutorialWorld: World = { ...worldOf(facts), failsafes, policies: tutorialPolicies, hostEndpoints: tutorialHostEndpoints(facts.nodes) }
const ourWorld: World = { ...worldOf(afterPlan(facts, plan)), services: [...facts.services] }
/** While the gate holds: everything written, HostEndpoints in place, the Deny not yet. */
const gated: World = (() => {
  const before = afterPlan(facts, plan, { committed: false })
  const set = plan.gate.set as World['networkSets'][number]
  return { ...worldOf(before), failsafes, networkSets: [...before.networkSets, set] }
})()

const [tutorial, ours, underGate] = [tutorialWorld, ourWorld, gated].map(createVerdicts) as [Judge, Judge, Judge]
type Judge = ReturnType<typeof createVerdicts>

const nodes = [at.control1, at.ws1, at.ws2, at.ws3, at.ws4]
const pods = nodes.map((_, index) => podOf(index))
const outside = [at.operator, at.windowsClient, at.outsider]
const apiService = parseAddress('10.233.0.1')

const tcpPorts = [22, 23, 53, 80, 179, 443, 2379, 2380, 5473, 6443, 6666, 6667, 7443, 9100, 10250, 30843, 30880, 31110, 31852, 31999]
const udpPorts = [53, 67, 68, 123, 4789, 8472, 51820, 31110]

/** Every pair of places with every port; what a node or pod sends to itself meets no HostEndpoint and is left out. */
const connections: Connection[] = [...outside, ...nodes, ...pods].flatMap((from) =>
  [...nodes, ...pods, at.ingressVip, at.apiVip, apiService, at.outsider]
    .filter((to) => to !== from && !(outside.includes(from) && (to === apiService || to === at.outsider)))
    .flatMap((to): Connection[] => [
      ...tcpPorts.map((port): Connection => ({ source: from, destination: to, protocol: 'TCP', port })),
      ...udpPorts.map((port): Connection => ({ source: from, destination: to, protocol: 'UDP', port })),
      { source: from, destination: to, protocol: 112 },
    ]),
)

const nameOf = ({ source: from, destination, protocol, port }: Connection): string =>
  `${from} -> ${destination} ${protocol}${port === undefined ? '' : `/${port}`}`

describe("the plan gives what the tutorial's manifests give", () => {
  it('packet for packet', () => {
    const different = connections.flatMap((one) => {
      const [theirs, mine] = [tutorial(one).action, ours(one).action]
      return theirs === mine ? [] : [`${nameOf(one)}: tutorial ${theirs}, plan ${mine}`]
    })
    expect(connections.length).toBeGreaterThan(4500)
    expect(different).toEqual([])
  })

  it('and under the gate just as after the commit', () => {
    const different = connections.filter((one) => ours(one).action !== underGate(one).action).map(nameOf)
    expect(different).toEqual([])
  })

  it('both open and close something, so the comparison is about something', () => {
    const actions = connections.map((one) => ours(one).action)
    expect(actions.filter((action) => action === 'allow').length).toBeGreaterThan(500)
    expect(actions.filter((action) => action === 'deny').length).toBeGreaterThan(500)
  })

  it('from outside on every node: failsafes open, everything else silent', () => {
    const open = (from: Address) =>
      nodes.flatMap((node) => tcpPorts.filter((port) => ours({ source: from, destination: node, protocol: 'TCP', port }).action === 'allow'))
    for (const from of outside) expect([...new Set(open(from))]).toEqual([22, 179, 2379, 2380, 5473, 6443, 6666, 6667, 7443])
    for (const from of outside)
      for (const port of [80, 443]) expect(ours({ source: from, destination: at.ingressVip, protocol: 'TCP', port }).action).toBe('allow')
  })
})

describe('but for the differences meant', () => {
  const icmp = (protocol: RuleProtocol, type: number): Partial<Connection> => ({ protocol, icmp: { type, code: 0 } })
  const halfWay = (world: World): Judge =>
    createVerdicts({ ...world, hostEndpoints: world.hostEndpoints.filter(({ spec }) => spec.node === nodeName('ws2')) })
  const kubelet = { destination: at.ws2, protocol: 'TCP', port: 10250 } as const

  it("nodes by address, not by label: a tenant's set with the HostEndpoints' label is let in by the tutorial alone", () => {
    const spoof = {
      apiVersion: 'projectcalico.org/v3',
      kind: 'NetworkSet',
      metadata: { name: 'mine', namespace: 'tenant', labels: { 'node-endpoint': 'home', 'calico-fw.github.io/set': 'nodes' } },
      spec: { nets: ['0.0.0.0/1', '128.0.0.0/1'] },
    }
    const spoofed = (world: World) =>
      createVerdicts({ ...world, networkSets: [...world.networkSets, spoof] })({ source: at.outsider, ...kubelet }).action
    expect([spoofed(tutorialWorld), spoofed(ourWorld)]).toEqual(['allow', 'deny'])
  })

  it('no partition half-way: with one node closed the others still reach it', () => {
    const from = [at.ws1, at.control1, podOf(1)]
    expect(from.map((one) => halfWay(tutorialWorld)({ source: one, ...kubelet }).action)).toEqual(['deny', 'deny', 'deny'])
    expect(from.map((one) => halfWay(ourWorld)({ source: one, ...kubelet }).action)).toEqual(['allow', 'allow', 'allow'])
  })

  it('ICMP is open', () => {
    const ping = { source: at.outsider, destination: at.ws1, ...icmp('ICMP', 8) } as Connection
    expect([tutorial(ping).action, ours(ping).action]).toEqual(['deny', 'allow'])
  })

  it.each<[string, Partial<Connection>]>([
    ['neighbours are found: ICMPv6', icmp('ICMPv6', 135)],
    ['DHCPv6 replies', { protocol: 'UDP', port: 546 }],
  ])('%s are open among link-local addresses', (_, packet) => {
    const linkLocal = parseAddress('fe80::174')
    const interfaces = [{ name: 'ens160', addresses: [at.ws1, linkLocal], source: 'ip' }]
    const ask = (world: World) =>
      createVerdicts({ ...world, nodes: world.nodes.map((node) => (node.name === nodeName('ws1') ? { ...node, interfaces } : node)) })({
        source: parseAddress('fe80::1'),
        destination: linkLocal,
        ...packet,
      } as Connection).action
    expect([ask(tutorialWorld), ask(ourWorld)]).toEqual(['deny', 'allow'])
  })

  it('VRRP over IPv6 is open among link-local addresses: no set can name its senders', () => {
    const vrrp = { action: 'Allow', ipVersion: 6, protocol: 112, source: { nets: ['fe80::/10'] }, destination: { nets: ['ff02::12/128'] } }
    expect(plan.policies[0]?.['spec']).toMatchObject({ ingress: expect.arrayContaining([vrrp]) })
  })

  it("a node's localhost is closed to the network, where the tutorial hands it out", () => {
    const localhost = {
      source: at.windowsClient,
      destination: parseAddress('127.0.0.1'),
      protocol: 'TCP',
      port: 10257,
      via: nodeName('ws1'),
    } as const
    expect([tutorial(localhost).action, ours(localhost).action]).toEqual(['allow', 'deny'])
  })
})
