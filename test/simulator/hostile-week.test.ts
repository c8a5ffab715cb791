import { describe, expect, it } from 'vitest'
import { storage, v3 } from '../../src/calico/resources.ts'
import { arm, gateJob, gateSet, hostEndpoint, openScene, preDnat, type Scene, threeNodes, world } from './scene.ts'

const jobRef = { apiVersion: 'batch/v1', kind: 'Job', namespace: 'default', name: 'gate' }
const setRef = { apiVersion: v3, kind: 'NetworkSet', namespace: 'default', name: 'gate' }
const felixRef = { apiVersion: v3, kind: 'FelixConfiguration', name: 'default' }
const policyRef = { apiVersion: v3, kind: 'GlobalNetworkPolicy', name: 'base' }

const close = async ({ simulator }: Scene): Promise<void> => {
  expect(simulator.unknown).toEqual([])
  await simulator.close()
}

describe('what broke in a week of attacks breaks here too', () => {
  it('a tenant’s set labelled like the gate arms nothing: the namespace label is Calico’s own', async () => {
    const scene = await openScene()
    const { simulator, api, during, clock } = scene
    await arm(scene, 60)
    await during(api.delete(setRef))
    const tenant = {
      ...gateSet('none', v3, 'app1'),
      metadata: { namespace: 'app1', name: 'x', labels: { gate: 'armed', 'pcns.projectcalico.org/name': 'default' } },
    }
    await during(api.create(tenant))
    await clock.advance(500)
    expect(simulator.reach('win', 'ws1', 9100)).toBe('OPEN')
    await close(scene)
  })

  it('controllers that are busy open late: the deadline plus their lag', async () => {
    const scene = await openScene()
    await arm(scene, 10)
    scene.simulator.controllerManager.setLag(30_000, 'garbage-collector')
    const wait = await scene.opensWithin(120_000)
    expect(wait).toBeGreaterThan(35_000)
    await close(scene)
  })

  it.each([
    { what: 'DELETE', operations: ['DELETE'] as const, opensByUpdate: true },
    { what: 'everything', operations: undefined, opensByUpdate: false },
  ])('a dead webhook on $what of NetworkSets keeps the gate shut', async ({ operations, opensByUpdate }) => {
    const scene = await openScene()
    const { api, during, simulator } = scene
    await arm(scene, 10)
    const remove = simulator.webhook({
      name: 'policy.example.com',
      kinds: ['NetworkSet'],
      dead: true,
      ...(operations === undefined ? {} : { operations }),
    })
    expect(await scene.opensWithin(30_000)).toBeUndefined()
    await expect(during(api.delete(setRef))).rejects.toMatchObject({ code: 'FW_API' })
    const relabelled = during(api.mergePatch(setRef, { metadata: { labels: { gate: null } } }))
    if (opensByUpdate) await relabelled
    else await expect(relabelled).rejects.toMatchObject({ code: 'FW_API' })
    expect((await scene.opensWithin(2_000)) !== undefined).toBe(opensByUpdate)
    remove()
    expect(await scene.opensWithin(5_000)).toBeDefined()
    await close(scene)
  })

  it('a queueing controller that suspends Jobs stops the clock, and the answer to arming says so', async () => {
    const scene = await openScene()
    const { simulator, api, during } = scene
    simulator.webhook({
      name: 'queue.example.com',
      operations: ['CREATE'],
      kinds: ['Job'],
      mutate: (job) => ({ ...job, spec: { ...(job['spec'] as object), suspend: true } }),
    })
    await arm(scene, 10)
    const job = await during(api.get(jobRef))
    expect(job).toMatchObject({ spec: { suspend: true } })
    expect(job?.['status']).not.toHaveProperty('startTime')
    expect(await scene.opensWithin(30_000)).toBeUndefined()
    await during(api.mergePatch(jobRef, { spec: { suspend: false } }))
    expect(await scene.opensWithin(20_000)).toBeGreaterThan(8_000)
    await close(scene)
  })

  it('a foreign Deny outlives the gate', async () => {
    const scene = await openScene()
    const { api, during, simulator, clock } = scene
    await arm(scene, 5)
    await during(api.create(preDnat('foreign', 450, [{ action: 'Deny', protocol: 'TCP', destination: { ports: [9100] } }], 'all()')))
    expect(await scene.opensWithin(20_000)).toBeUndefined()
    expect(simulator.reach('win', 'ws1', 10_250)).toBe('OPEN')
    simulator.objects.delete({ apiVersion: v3, kind: 'GlobalNetworkPolicy', name: 'foreign' })
    await clock.advance(500)
    expect(simulator.reach('win', 'ws1', 9100)).toBe('OPEN')
    await close(scene)
  })

  it('failsafes without the API port: connections that are reset while closed never come back, and the expiry reaches no Felix', async () => {
    const scene = await openScene({ balancer: true })
    const { api, during, simulator, clock } = scene
    const failsafes = [
      { protocol: 'TCP', port: 22 },
      { protocol: 'UDP', port: 68 },
    ]
    await during(api.mergePatch(felixRef, { spec: { failsafeInboundHostPorts: failsafes } }))
    await clock.advance(15_000)
    await arm(scene, 5)
    simulator.network.reset()
    expect(await scene.opensWithin(65_000)).toBeUndefined()
    expect(simulator.objects.get(setRef)).toBeUndefined()
    expect(simulator.objects.get({ apiVersion: 'v1', kind: 'Node', name: 'ws1.kryukov.local' })).toMatchObject({
      status: { conditions: [expect.objectContaining({ type: 'Ready', status: 'Unknown' })] },
    })
    await close(scene)
  })

  it('the same reset with the API port in the failsafes does no harm', async () => {
    const scene = await openScene({ balancer: true })
    await arm(scene, 5)
    scene.simulator.network.reset()
    expect(await scene.opensWithin(20_000)).toBeDefined()
    await close(scene)
  })

  it('an Allow to 127.0.0.0/8, or a bare HostEndpoint, hands a node’s localhost services to the LAN; a Deny first takes them back', async () => {
    const scene = await openScene()
    const { api, during, simulator, clock } = scene
    const localhost = () => simulator.reach('win', '127.0.0.1', 10_257, { via: 'ws1' })
    expect(localhost()).toBe('TIMEOUT')
    await during(api.apply(hostEndpoint(scene, 'ws1')))
    await clock.advance(500)
    expect(localhost()).toBe('OPEN')
    await during(api.apply(preDnat('base', 100, [{ action: 'Deny', destination: { nets: ['127.0.0.0/8'] } }])))
    await clock.advance(500)
    expect(localhost()).toBe('TIMEOUT')
    await close(scene)
  })

  it('our named HostEndpoint takes the NIC from a `*` one that was a firewall', async () => {
    const scene = await openScene()
    const { api, during, simulator, clock } = scene
    await during(api.create(hostEndpoint(scene, 'ws1', { interfaceName: '*', profiles: [] }, { role: 'auto' })))
    await clock.advance(500)
    const before = simulator.reach('win', 'ws1', 9100)
    await during(api.delete({ apiVersion: v3, kind: 'HostEndpoint', name: 'ws1-ens160' }))
    await during(api.create({ ...hostEndpoint(scene, 'ws1', { interfaceName: '*', profiles: [] }, { role: 'auto' }), metadata: { name: 'auto' } }))
    await during(api.create(hostEndpoint(scene, 'ws1')))
    await clock.advance(500)
    expect([before, simulator.reach('win', 'ws1', 9100)]).toEqual(['TIMEOUT', 'OPEN'])
    await close(scene)
  })

  it('a misspelt profile cuts the node’s own egress, with nothing armed', async () => {
    const scene = await openScene()
    const { api, during, simulator, clock } = scene
    await during(api.apply(hostEndpoint(scene, 'ws2', { profiles: ['projectcalico-default-alow'] })))
    await clock.advance(500)
    expect(simulator.reach('ws2', 'control1', 23)).toBe('TIMEOUT')
    expect(simulator.reach('ws2', 'control1', 6443)).toBe('OPEN')
    await during(api.apply(hostEndpoint(scene, 'ws2')))
    await clock.advance(500)
    expect(simulator.reach('ws2', 'control1', 23)).toBe('OPEN')
    await close(scene)
  })

  it('failsafes by server-side apply need force over the user’s list, and an empty apply removes it', async () => {
    const { api, during, simulator } = await openScene()
    const list = { failsafeInboundHostPorts: [{ protocol: 'TCP', port: 22 }] }
    simulator.objects.update(felixRef, (object) => ({ ...object, spec: { ...(object['spec'] as object), ...list } }))
    const ours = {
      apiVersion: v3,
      kind: 'FelixConfiguration',
      metadata: { name: 'default' },
      spec: { failsafeInboundHostPorts: [{ protocol: 'TCP', port: 7443 }] },
    }
    await expect(during(api.apply(ours))).rejects.toMatchObject({
      code: 'FW_CONFLICT',
      causes: [expect.objectContaining({ field: '.spec.failsafeInboundHostPorts' })],
    })
    const forced = '/apis/projectcalico.org/v3/felixconfigurations/default?fieldManager=calico-fw&force=true'
    await during(api.request('PATCH', forced, ours, { contentType: 'application/apply-patch+yaml' }))
    await during(api.request('PATCH', forced, { ...ours, spec: {} }, { contentType: 'application/apply-patch+yaml' }))
    expect(simulator.objects.get(felixRef)?.['spec']).not.toHaveProperty('failsafeInboundHostPorts')
    await simulator.close()
  })

  it('arming while HostEndpoints of an expired run are there closes all of them in one write', async () => {
    const scene = await openScene()
    const { api, during, simulator, clock } = scene
    await arm(scene, 5)
    expect(await scene.opensWithin(20_000)).toBeDefined()
    const job = await during(api.create(gateJob(60)))
    await during(api.create(gateSet(job.metadata.uid ?? '')))
    await clock.advance(500)
    expect(threeNodes.map((node) => simulator.reach('win', node, 9100))).toEqual(['TIMEOUT', 'TIMEOUT', 'TIMEOUT'])
    await close(scene)
  })

  it('a renewal of a Job that has failed but is not collected yet is answered with 200, and its conditions say so', async () => {
    const scene = await openScene()
    await arm(scene, 5)
    scene.simulator.controllerManager.setLag(30_000, 'ttl-after-finished')
    await scene.clock.advance(8_000)
    const answer = await scene.during(scene.api.mergePatch(jobRef, { spec: { activeDeadlineSeconds: 600 } }))
    expect(answer).toMatchObject({
      status: { conditions: expect.arrayContaining([expect.objectContaining({ type: 'Failed', reason: 'DeadlineExceeded' })]) },
    })
    expect(await scene.opensWithin(60_000)).toBeDefined()
    await close(scene)
  })

  it('a renewal after the end is refused', async () => {
    const scene = await openScene()
    await arm(scene, 5)
    expect(await scene.opensWithin(20_000)).toBeDefined()
    await expect(scene.during(scene.api.mergePatch(jobRef, { spec: { activeDeadlineSeconds: 600 } }))).rejects.toMatchObject({ code: 'FW_NOT_FOUND' })
    await close(scene)
  })

  it('a set for a Job uid that never was, or is another’s now, is collected at once', async () => {
    const scene = await openScene()
    const { simulator, clock } = scene
    const job = simulator.objects.create(gateJob(60))
    simulator.objects.create(gateSet('bogus'))
    await clock.advance(1_000)
    expect(simulator.objects.get(setRef)).toBeUndefined()
    simulator.objects.create(gateSet(job.metadata.uid ?? ''))
    await clock.advance(1_000)
    expect(simulator.objects.get(setRef)).toBeDefined()
    await close(scene)
  })

  it('the namespace deleted while armed takes the gate with it', async () => {
    const scene = await openScene()
    const { simulator, api, during } = scene
    await arm(scene, 60)
    simulator.objects.delete({ apiVersion: 'v1', kind: 'Namespace', name: 'default' })
    await expect(during(api.create({ ...gateJob(60), metadata: { namespace: 'default', name: 'late' } }))).rejects.toMatchObject({
      code: 'FW_FORBIDDEN',
    })
    expect(await scene.opensWithin(10_000)).toBeDefined()
    await close(scene)
  })

  it('an undo that deletes the set before the policy that allows by it loses connections on the way', async () => {
    const scene = await openScene()
    const { api, during, simulator, clock } = scene
    const nodes = {
      apiVersion: v3,
      kind: 'GlobalNetworkSet',
      metadata: { name: 'nodes', labels: { set: 'nodes' } },
      spec: { nets: ['192.168.218.0/24'] },
    }
    await during(api.apply(nodes))
    await during(api.apply(preDnat('base', 100, [{ action: 'Allow', source: { selector: "set == 'nodes'", namespaceSelector: 'global()' } }])))
    await during(api.apply(preDnat('deny', 500, [{ action: 'Deny' }])))
    for (const node of threeNodes) await during(api.apply(hostEndpoint(scene, node)))
    await clock.advance(500)
    expect(simulator.reach('ws2', 'ws1', 10_250)).toBe('OPEN')
    await during(api.delete({ apiVersion: v3, kind: 'GlobalNetworkSet', name: 'nodes' }))
    await clock.advance(500)
    expect(simulator.reach('ws2', 'ws1', 10_250)).toBe('TIMEOUT')
    await during(api.delete({ ...policyRef, name: 'deny' }))
    await clock.advance(500)
    expect(simulator.reach('ws2', 'ws1', 10_250)).toBe('OPEN')
    await close(scene)
  })

  it('one deletecollection of HostEndpoints opens everything, though a dead webhook guards every policy', async () => {
    const scene = await openScene()
    const { api, during, simulator } = scene
    await during(api.apply(preDnat('deny', 500, [{ action: 'Deny' }])))
    for (const node of threeNodes) await during(api.apply(hostEndpoint(scene, node)))
    simulator.webhook({ name: 'policy.example.com', kinds: ['GlobalNetworkPolicy'], dead: true })
    await expect(during(api.delete({ ...policyRef, name: 'deny' }))).rejects.toMatchObject({ code: 'FW_API' })
    const heps = { group: 'projectcalico.org', version: 'v3', kind: 'HostEndpoint', plural: 'hostendpoints', namespaced: false }
    await during(api.deleteCollection(heps, { labelSelector: 'run=1' }))
    expect(await scene.opensWithin(2_000)).toBeLessThan(500)
    await close(scene)
  })
})

describe('sets in storage', () => {
  it('a v3 object shows no labels in its storage object, as calicoctl writes it', async () => {
    const { api, during, simulator } = await openScene({ flavour: 'aggregated' })
    const written = { apiVersion: v3, kind: 'GlobalNetworkSet', metadata: { name: 's', labels: { set: 'open' } }, spec: { nets: world } }
    const set = await during(api.apply(written))
    const stored = await during(api.get({ apiVersion: storage, kind: 'GlobalNetworkSet', name: 's' }))
    expect(stored?.metadata.labels).toBeUndefined()
    expect(JSON.parse(stored?.metadata.annotations?.['projectcalico.org/metadata'] ?? '')).toMatchObject({ labels: { set: 'open' } })
    expect(stored?.metadata.uid).not.toBe(set.metadata.uid)
    expect(set.metadata).toMatchObject({ labels: { set: 'open' }, managedFields: [{ manager: 'calico-fw', operation: 'Apply' }] })
    await simulator.close()
  })
})
