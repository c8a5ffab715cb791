import { describe, expect, it } from 'vitest'
import { discover } from '../../src/discovery/discover.ts'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import { parseAddress } from '../../src/net/address.ts'
import { homeFacts } from '../fixtures/home-facts.ts'
import { tutorialHostEndpoints, tutorialPolicies } from '../fixtures/tutorial.ts'
import { openScene, type Scene, threeNodes } from './scene.ts'

const facts = ({ api, clock, during }: Scene) =>
  during(
    discover(api, {
      ...{ contextName: 'kubernetes-admin@home', server: 'https://192.168.218.189:7443', now: () => clock.wall() },
      ...{ lookup: async () => [], operatorAddresses: async () => [parseAddress('192.168.218.170')] },
    }),
  )

describe('the home cluster', () => {
  it.each([3, 5] as const)('of %i nodes is the golden case', async (nodes) => {
    const scene = await openScene({ nodes })
    const golden = homeFacts({ nodes })
    const found = await facts(scene)
    const comparable = (of: Facts) => ({
      ...{ ...of, gatheredAt: '', own: [], felixConfigurations: [], tiers: [], callees: [], hostPorts: [], components: undefined },
      // The fixture's node carries no age of what its annotation says.
      nodes: of.nodes.map(({ networks: _networks, interfaces, ...node }) => ({ ...node, interfaces: interfaces.map(({ at: _at, ...nic }) => nic) })),
      services: of.services.toSorted((one, other) => (`${one.namespace}/${one.name}` < `${other.namespace}/${other.name}` ? -1 : 1)),
    })
    expect(comparable(found)).toEqual({
      ...comparable(golden),
      apiEndpoints: golden.apiEndpoints.map(({ sources, ...endpoint }) => ({ ...endpoint, sources: expect.arrayContaining([sources[0]]) })),
    })
    await scene.simulator.close()
  })

  it.each(['aggregated', 'storage'] as const)('is recognised as %s', async (flavour) => {
    const scene = await openScene({ flavour })
    expect((await facts(scene)).calico).toMatchObject({ flavour, version: 'v3.32.1', dataplane: 'iptables' })
    await scene.simulator.close()
  })

  it('tells of a balancer before the API', async () => {
    const scene = await openScene({ balancer: true })
    expect((await facts(scene)).felixPeers.map(({ address, port }) => `${address}:${port}`)).toContain('192.168.218.188:6443')
    await scene.simulator.close()
  })
})

describe('the tutorial on it', () => {
  const vip = '192.168.218.180'
  const host = [10_250, 9100, 31_999]
  const look = ({ simulator }: Scene, from: string) => ({
    host: host.map((port) => simulator.reach(from, 'ws1', port)),
    failsafe: [simulator.reach(from, 'ws1', 22), simulator.reach(from, 'control1', 6443)],
    nodePorts: [31_110, 31_852].map((port) => simulator.reach(from, 'ws1', port)),
    vips: [simulator.reach(from, vip, 80), simulator.reach(from, vip, 443), simulator.reach(from, '192.168.218.189', 7443)],
  })
  const all = (word: 'OPEN' | 'TIMEOUT', times: number) => Array(times).fill(word)
  const allOpen = { host: all('OPEN', 3), failsafe: all('OPEN', 2), nodePorts: all('OPEN', 2), vips: all('OPEN', 3) }

  it('policies alone change nothing; with HostEndpoints they close what the measurements say; removed, all is open', async () => {
    const scene = await openScene()
    const { simulator, clock } = scene
    const endpoints = tutorialHostEndpoints(homeFacts({ nodes: 3 }).nodes)
    expect([look(scene, 'win'), look(scene, 'inet')]).toEqual([allOpen, allOpen])
    for (const policy of tutorialPolicies) simulator.objects.create(policy)
    await clock.advance(500)
    expect(look(scene, 'win')).toEqual(allOpen)
    for (const endpoint of endpoints) simulator.objects.create(endpoint)
    await clock.advance(500)
    for (const from of ['win', 'inet']) expect(look(scene, from)).toEqual({ ...allOpen, host: all('TIMEOUT', 3), nodePorts: all('TIMEOUT', 2) })
    for (const from of ['ws2', 'app1/app1-ws2']) expect(look(scene, from)).toEqual(allOpen)
    for (const endpoint of endpoints) simulator.objects.delete({ ...endpoint, name: endpoint.metadata.name })
    await clock.advance(500)
    expect(look(scene, 'inet')).toEqual(allOpen)
    expect(simulator.unknown).toEqual([])
    await simulator.close()
  })

  it('a HostEndpoint without any policy closes host ports and leaves NodePorts open', async () => {
    const scene = await openScene()
    for (const endpoint of tutorialHostEndpoints(homeFacts({ nodes: 3 }).nodes)) scene.simulator.objects.create(endpoint)
    await scene.clock.advance(500)
    expect(look(scene, 'win')).toMatchObject({ host: all('TIMEOUT', 3), failsafe: all('OPEN', 2), nodePorts: all('OPEN', 2) })
    expect(scene.simulator.reach('ws2', 'ws1', 10_250)).toBe('TIMEOUT')
    await scene.simulator.close()
  })

  it('node by node it cuts nodes from each other, for its rule knows only nodes whose HostEndpoint is there', async () => {
    const scene = await openScene()
    const { simulator, clock } = scene
    const endpoints = tutorialHostEndpoints(homeFacts({ nodes: 3 }).nodes)
    for (const policy of tutorialPolicies) simulator.objects.create(policy)
    for (const endpoint of endpoints.slice(2)) simulator.objects.create(endpoint)
    await clock.advance(500)
    const cut = () => [simulator.reach('ws1', 'ws2', 10_250), simulator.reach('control1', 'ws2', 10_250)]
    expect(cut()).toEqual(['TIMEOUT', 'TIMEOUT'])
    for (const endpoint of endpoints.slice(0, 2)) simulator.objects.create(endpoint)
    await clock.advance(500)
    expect(cut()).toEqual(['OPEN', 'OPEN'])
    expect(threeNodes).toHaveLength(3)
    await simulator.close()
  })

  it('a tenant’s set with the tutorial’s own label opens every NodePort', async () => {
    const scene = await openScene()
    const { simulator, clock } = scene
    for (const policy of tutorialPolicies) simulator.objects.create(policy)
    for (const endpoint of tutorialHostEndpoints(homeFacts({ nodes: 3 }).nodes)) simulator.objects.create(endpoint)
    await clock.advance(500)
    expect(simulator.reach('inet', 'ws1', 31_110)).toBe('TIMEOUT')
    const spoof = { namespace: 'app1', name: 'spoof', labels: { 'node-endpoint': 'home' } }
    simulator.objects.create({
      apiVersion: 'projectcalico.org/v3',
      kind: 'NetworkSet',
      metadata: spoof,
      spec: { nets: ['0.0.0.0/1', '128.0.0.0/1'] },
    })
    await clock.advance(500)
    expect(simulator.reach('inet', 'ws1', 31_110)).toBe('OPEN')
    await simulator.close()
  })
})
