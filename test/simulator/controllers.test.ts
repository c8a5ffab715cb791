import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../src/calico/object.ts'
import { v3 } from '../../src/calico/resources.ts'
import { homeCluster } from '../../src/simulator/seed/home-cluster.ts'
import { machines } from '../../src/simulator/seed/machines.ts'
import { hostEndpoint, openScene, preDnat, readyCondition, threeNodes } from './scene.ts'

const configMap = (name: string, ownerReferences: readonly object[] = [], namespace = 'default'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name, ...(ownerReferences.length === 0 ? {} : { ownerReferences: ownerReferences as never }) },
})
const ref = (name: string, namespace = 'default') => ({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name })
const ownedBy = (owner: KubeObject, more: object = {}) => ({
  ...{ apiVersion: owner.apiVersion, kind: owner.kind, name: owner.metadata.name, uid: owner.metadata.uid },
  ...more,
})

describe('the garbage collector', () => {
  it('takes dependents with their owner, keeps those of a second one, and knows owners by uid', async () => {
    const { simulator, clock } = await openScene()
    const { objects } = simulator
    const [one, two] = [objects.create(configMap('one')), objects.create(configMap('two'))]
    objects.create(configMap('of-one', [ownedBy(one)]))
    objects.create(configMap('of-both', [ownedBy(one), ownedBy(two)]))
    objects.create(configMap('of-an-older-two', [ownedBy(two, { uid: 'older' })]))
    await clock.advance(1_000)
    expect(objects.get(ref('of-an-older-two'))).toBeUndefined()
    objects.delete(ref('one'))
    await clock.advance(1_000)
    expect(['of-one', 'of-both'].map((name) => objects.get(ref(name)) !== undefined)).toEqual([false, true])
    await simulator.close()
  })

  it('never looks for an owner in another namespace', async () => {
    const { simulator, clock } = await openScene()
    const owner = simulator.objects.create(configMap('owner', [], 'app1'))
    simulator.objects.create(configMap('stray', [ownedBy(owner)]))
    await clock.advance(1_000)
    expect(simulator.objects.get(ref('stray'))).toBeUndefined()
    await simulator.close()
  })

  it('deletes in the foreground: blocking dependents first, the owner after them', async () => {
    const { simulator, clock } = await openScene()
    const { objects } = simulator
    const owner = objects.create(configMap('owner'))
    objects.create(configMap('blocking', [ownedBy(owner, { blockOwnerDeletion: true })]))
    objects.create(configMap('other', [ownedBy(owner)]))
    const dead = simulator.webhook({
      name: 'x',
      operations: ['DELETE'],
      kinds: ['ConfigMap'],
      deny: ({ object }) => (object.metadata.name === 'blocking' ? 'no' : undefined),
    })
    objects.delete(ref('owner'), 'Foreground')
    await clock.advance(5_000)
    expect(objects.get(ref('owner'))?.metadata.deletionTimestamp).toBeDefined()
    dead()
    await clock.advance(2_000)
    expect(['owner', 'blocking', 'other'].map((name) => objects.get(ref(name)))).toEqual([undefined, undefined, undefined])
    await simulator.close()
  })

  it('lets orphans go', async () => {
    const { simulator, clock } = await openScene()
    const owner = simulator.objects.create(configMap('owner'))
    simulator.objects.create(configMap('orphan', [ownedBy(owner)]))
    simulator.objects.delete(ref('owner'), 'Orphan')
    await clock.advance(1_000)
    expect(simulator.objects.get(ref('owner'))).toBeUndefined()
    expect(simulator.objects.get(ref('orphan'))?.metadata.ownerReferences).toBeUndefined()
    expect(simulator.objects.get(ref('orphan'))).toBeDefined()
    await simulator.close()
  })
})

describe('a live set of node addresses, kept by kube-controller-manager', () => {
  const service: KubeObject = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'calico-system', name: 'nodes' },
    spec: { clusterIP: 'None', publishNotReadyAddresses: true, selector: { 'k8s-app': 'calico-node' }, ports: [{ name: 'any', port: 1 }] },
  }
  const allow = { action: 'Allow', source: { services: { name: 'nodes', namespace: 'calico-system' } } }

  it('a node that joins a closed cluster is let in as soon as its calico-node pod has an address, still unready', async () => {
    const scene = await openScene()
    const { api, during, simulator, clock } = scene
    await during(api.apply(service))
    await during(api.apply(preDnat('base', 100, [allow])))
    await during(api.apply(preDnat('deny', 500, [{ action: 'Deny' }])))
    for (const node of threeNodes) await during(api.apply(hostEndpoint(scene, node)))
    await clock.advance(500)
    expect([simulator.reach('ws2', 'ws1', 10_250), simulator.reach('win', 'ws1', 10_250)]).toEqual(['OPEN', 'TIMEOUT'])
    const joining = machines(4)[3]
    if (joining === undefined) throw new Error('there is no fourth machine')
    simulator.join(joining, 3_000)
    await clock.advance(2_500)
    expect([10_250, 31_110].map((port) => simulator.reach('ws3', 'ws1', port))).toEqual(['TIMEOUT', 'TIMEOUT'])
    expect(simulator.reach('ws3', 'control1', 6443)).toBe('OPEN')
    await clock.advance(1_000)
    expect([10_250, 31_110].map((port) => simulator.reach('ws3', 'ws1', port))).toEqual(['OPEN', 'OPEN'])
    expect(simulator.objects.get({ apiVersion: 'v1', kind: 'Pod', namespace: 'calico-system', name: 'calico-node-ws3' })).toMatchObject({
      status: { phase: 'Pending' },
    })
    expect(simulator.unknown).toEqual([])
    await simulator.close()
  })

  it('a pod that is not ready is no endpoint where the Service does not publish it', async () => {
    const { simulator, clock, api, during } = await openScene()
    await during(api.apply({ ...service, spec: { ...(service['spec'] as object), publishNotReadyAddresses: false } }))
    await clock.advance(500)
    const ready = () => {
      const [slice] = simulator.objects.list('discovery.k8s.io/v1', 'EndpointSlice', 'calico-system')
      return slice === undefined ? [] : (slice['endpoints'] as { conditions: { ready: boolean } }[]).map(({ conditions }) => conditions.ready)
    }
    expect(ready()).toEqual([true, true, true])
    simulator.felix('ws1').kill()
    await clock.advance(500)
    expect(ready()).toEqual([true, false, true])
    await simulator.close()
  })
})

describe('namespaces and nodes', () => {
  it('a namespace is emptied, then it is gone', async () => {
    const { simulator, clock } = await openScene()
    simulator.objects.delete({ apiVersion: 'v1', kind: 'Namespace', name: 'app1' })
    expect(simulator.objects.get({ apiVersion: 'v1', kind: 'Namespace', name: 'app1' })).toMatchObject({ status: { phase: 'Terminating' } })
    await clock.advance(3_000)
    expect(simulator.objects.list('v1', 'Pod', 'app1')).toEqual([])
    expect(simulator.objects.get({ apiVersion: 'v1', kind: 'Namespace', name: 'app1' })).toBeUndefined()
    expect(simulator.reach('win', 'ws1', 31_110)).toBe('REFUSED')
    await simulator.close()
  })

  it('a namespace behind a dead aggregated API stays Terminating', async () => {
    const { simulator, clock } = await openScene({ flavour: 'aggregated' })
    simulator.aggregated.stop()
    simulator.objects.delete({ apiVersion: 'v1', kind: 'Namespace', name: 'app1' })
    await clock.advance(60_000)
    expect(simulator.objects.get({ apiVersion: 'v1', kind: 'Namespace', name: 'app1' })).toBeDefined()
    simulator.aggregated.thaw()
    await clock.advance(3_000)
    expect(simulator.objects.get({ apiVersion: 'v1', kind: 'Namespace', name: 'app1' })).toBeUndefined()
    await simulator.close()
  })

  it('kubelets renew their Leases every ten seconds; one that is cut off turns its Node Unknown', async () => {
    const scene = await openScene()
    const { simulator, clock, api, during } = scene
    const lease = () =>
      simulator.objects.get({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: 'kube-node-lease', name: 'ws1.kryukov.local' })?.[
        'spec'
      ]
    const ready = () => {
      const node = simulator.objects.get({ apiVersion: 'v1', kind: 'Node', name: 'ws1.kryukov.local' })
      return readyCondition(node)
    }
    const first = lease()
    await clock.advance(10_000)
    expect(lease()).not.toEqual(first)
    const out = {
      apiVersion: v3,
      kind: 'GlobalNetworkPolicy',
      metadata: { name: 'cut' },
      spec: { order: 1, selector: "run == '1'", types: ['Egress'], egress: [{ action: 'Deny' }] },
    }
    await during(api.mergePatch({ apiVersion: v3, kind: 'FelixConfiguration', name: 'default' }, { spec: { failsafeOutboundHostPorts: [] } }))
    await clock.advance(10_000)
    await during(api.apply(out))
    await during(api.apply(hostEndpoint(scene, 'ws1')))
    await clock.advance(60_000)
    expect(ready()).toBe('True')
    simulator.network.reset()
    await clock.advance(65_000)
    expect(ready()).toBe('Unknown')
    await simulator.close()
  })
})

describe('the seed', () => {
  it.each(['native', 'aggregated', 'storage', 'etcd', 'migrating'] as const)('is the same twice: %s', async (flavour) => {
    const one = await openScene({ flavour })
    const other = await openScene({ flavour })
    const all = ({ simulator }: typeof one) => simulator.objects.list('v1', 'Pod').concat(simulator.objects.list('v1', 'Service'))
    expect(all(one)).toEqual(all(other))
    expect(homeCluster({ flavour }).machines).toHaveLength(5)
    await one.simulator.close()
    await other.simulator.close()
  })
})
