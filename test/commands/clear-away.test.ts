import { expect, it } from 'vitest'
import { names, ownLabels, toolNamespace } from '../../src/calico/names.ts'
import { homeCluster } from '../../src/simulator/seed/home-cluster.ts'
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
