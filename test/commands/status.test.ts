import { describe, expect, it } from 'vitest'
import { keys } from '../../src/calico/names.ts'
import type { KubeObject } from '../../src/calico/object.ts'
import { v3 } from '../../src/calico/resources.ts'
import type { Api } from '../../src/cluster/api.ts'
import { denyPolicy } from '../../src/firewall/objects/deny-policy.ts'
import { gateJob, gateSet } from '../../src/firewall/objects/gate.ts'
import { readSituation } from '../../src/rollout/situation.ts'
import { sentencesOf, standingOf } from '../../src/ui/status-text.ts'

const now = new Date('2026-01-01T00:00:00Z')

/** HostEndpoints of a run, one a node. */
const closed = (run: number, ...nodes: readonly string[]): KubeObject[] =>
  nodes.map((node) => ({
    ...{ apiVersion: v3, kind: 'HostEndpoint', spec: { node, interfaceName: 'ens160' } },
    metadata: { name: `${node}-ens160`, labels: { [keys.run]: `${run}` } },
  }))

/** The same, each before another's. */
const over = (run: number, ...nodes: readonly string[]): KubeObject[] =>
  closed(run, ...nodes).map((one) => ({
    ...one,
    metadata: { ...one.metadata, name: `0-${one.metadata.name}`, annotations: { [keys.adopts]: one.metadata.name } },
  }))

/** The gate of a change, twenty seconds before its deadline. */
const gate = (change: number): KubeObject[] => [
  { ...gateJob(change, 30), status: { startTime: '2025-12-31T23:59:50Z' } } as KubeObject,
  gateSet(change, 'native'),
]

/** Of a cluster that holds these objects, what `status` says. */
const told = async (objects: readonly KubeObject[]) => {
  const api = {
    get: () => Promise.resolve(undefined),
    list: ({ kind }: { kind: string }) => Promise.resolve(objects.filter((object) => object.kind === kind)),
  } as unknown as Api
  const situation = await readSituation(api, 'native')
  return { standing: standingOf(situation), text: sentencesOf(situation, now).join('\n') }
}

describe('what status tells', () => {
  it.each([
    {
      title: 'a trial',
      objects: [...closed(1, 'ws1'), ...gate(1)],
      standing: 'trial',
      says: ['Change 1 is on trial: the cluster opens by itself in about 20 s', 'confirm', 'calico-fw open'],
    },
    {
      title: 'a trial over another’s firewall: that one is what it ends in',
      objects: [...over(1, 'ws1'), ...gate(1)],
      standing: 'trial',
      says: [
        'what it closes opens by itself in about 20 s',
        'the firewall that was there before is in force again',
        'undo it:   kubectl calico-fw rollback',
      ],
      not: ['calico-fw open'],
    },
    {
      title: 'the same, expired',
      objects: over(1, 'ws1'),
      standing: 'expired',
      says: [
        'is not kept',
        'the firewall that was there before is in force, with what this one opens',
        'take it back and go on:   kubectl calico-fw adopt',
      ],
      not: ['everything is open'],
    },
    {
      title: 'kept, by a client that did not come to delete the other one',
      objects: [...over(1, 'ws1'), denyPolicy([1])],
      standing: 'kept',
      says: ['Not all of the firewall it took over is gone', 'finish it, on trial: kubectl calico-fw adopt'],
    },
    {
      title: 'a gate that was armed before anything closed',
      objects: gate(1),
      standing: 'trial',
      says: ['with no node closed by it', 'rollback'],
      not: ['confirm'],
    },
    {
      title: 'a client that died between the commit and the disarming: nothing opens by itself',
      objects: [...closed(1, 'ws1'), ...gate(1), denyPolicy([1])],
      standing: 'kept',
      says: ['The firewall is kept: 1 interface on 1 node'],
      not: ['on trial', 'by itself'],
    },
    {
      title: 'a second change on trial beside nodes that are kept closed',
      objects: [...closed(1, 'ws1', 'ws2'), ...closed(2, 'ws3'), ...gate(2), denyPolicy([1])],
      standing: 'trial',
      says: ['Change 2 is on trial: what it closes opens by itself', '2 nodes that earlier changes closed stay closed', 'confirm', 'rollback'],
      not: ['the cluster opens', 'calico-fw open'],
    },
    {
      title: 'a change that was never kept',
      objects: closed(1, 'ws1'),
      standing: 'expired',
      says: ['Change 1 is not kept', 'everything is open', 'rollback'],
    },
    {
      title: 'a second change that was never kept beside nodes that are kept closed',
      objects: [...closed(1, 'ws1'), ...closed(2, 'ws3'), denyPolicy([1])],
      standing: 'expired',
      says: ['Change 2 is not kept', 'what it closed is open; 1 node that earlier changes closed stays closed'],
      not: ['everything is open'],
    },
    { title: 'nothing', objects: [], standing: 'none', says: ['No firewall of this tool is in force.', 'next: kubectl calico-fw init'] },
  ])('$title', async ({ objects, standing, says, not = [] }) => {
    const found = await told(objects)
    expect(found.standing).toBe(standing)
    for (const text of says) expect(found.text).toContain(text)
    for (const text of not) expect(found.text).not.toContain(text)
  })
})
