import { expect, it } from 'vitest'
import { keys, names, ownLabels, toolNamespace } from '../../src/calico/names.ts'
import { v3 } from '../../src/calico/resources.ts'
import { homeCluster } from '../../src/simulator/seed/home-cluster.ts'
import { argv } from './interrupted.ts'
import { openStage } from './stage.ts'

// Found by killing clients after their second write.
it('rollback clears away the namespace and the lock of a client that died before its first checkpoint', async ({ onTestFinished }) => {
  const stage = await openStage({ seed: homeCluster({ nodes: 3 }) })
  onTestFinished(() => stage.close())
  const { objects } = stage.simulator
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: toolNamespace, labels: ownLabels() } }
  objects.create(namespace)
  objects.create({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: names.lock, namespace: toolNamespace, labels: ownLabels() },
    spec: { holderIdentity: 'alice@laptop/1', leaseTransitions: 1, renewTime: '2026-01-01T00:00:00.000000Z' },
  })
  const cleared = await stage.run(['rollback', '--yes'])
  expect(cleared).toMatchObject({ code: 0, stderr: expect.stringContaining('died before its first change is gone') })
  expect(objects.get({ apiVersion: 'v1', kind: 'Namespace', name: toolNamespace })).toBeUndefined()
  const again = await stage.run(['rollback', '--yes'])
  expect(again).toMatchObject({ code: 0, stderr: expect.stringMatching(/Nothing to roll back.*\n$/) })
}, 30_000)

// Found by stopping clients in the middle of a write, and going on with them after another had rolled back.
it('rollback takes away what a client wrote too late; status names it, and init waits for that', async ({ onTestFinished }) => {
  const stage = await openStage({ seed: homeCluster({ nodes: 3 }) })
  onTestFinished(() => stage.close())
  const { objects } = stage.simulator
  const late = (name: string, labels: Record<string, string> = {}) => ({
    apiVersion: v3,
    kind: 'GlobalNetworkSet',
    metadata: { name, labels: { ...ownLabels({ [keys.set]: 'trusted' }), ...labels } },
    spec: { nets: ['192.0.2.1/32'] },
  })
  objects.create(late('calico-fw-trusted'))
  objects.create(late('of-argo', { 'argocd.argoproj.io/instance': 'edge' }))
  const status = await stage.run(['status'])
  expect(status).toMatchObject({ code: 1, stdout: expect.stringContaining('No checkpoint knows GlobalNetworkSet calico-fw-trusted:') })
  const init = await stage.run(argv)
  expect(init).toMatchObject({ code: 3, stderr: expect.stringContaining('take it away: kubectl calico-fw rollback --to 0, then run this again') })
  const cleaned = await stage.run(['rollback', '--yes'])
  expect(cleaned).toMatchObject({ code: 0, stderr: expect.stringContaining('delete  GlobalNetworkSet calico-fw-trusted') })
  expect(objects.list(v3, 'GlobalNetworkSet').map(({ metadata }) => metadata.name)).toEqual(['of-argo'])
  expect((await stage.run(['status'])).code).toBe(0)
}, 30_000)
