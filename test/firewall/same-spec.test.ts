import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../src/calico/object.ts'
import { diffObjects, sameSpec } from '../../src/firewall/objects/same-spec.ts'
import { makePlan, objectsOf } from '../../src/firewall/plan/plan-maker.ts'
import { homeFacts } from '../fixtures/home-facts.ts'
import { homeFirewall } from './home-firewall.ts'

const objects = objectsOf(makePlan({ firewall: homeFirewall(), facts: homeFacts(), change: 1, windowSeconds: 90 }))
const find = (kind: string, name: string): KubeObject => {
  const found = objects.find((one) => one.kind === kind && one.metadata.name === name)
  if (found === undefined) throw new Error(`no ${kind} ${name}`)
  return found
}
const base = find('GlobalNetworkPolicy', 'calico-fw-base')
const endpoint = find('HostEndpoint', 'ws1.kryukov.local-ens160')

/** What an API server makes of an object: uid, defaults, managedFields; Calico's aggregated API writes empty sides into every rule. */
const stored = (object: KubeObject): KubeObject => {
  const spec = object['spec'] as { ingress?: object[] } | undefined
  const labels = object.kind === 'GlobalNetworkPolicy' ? { 'projectcalico.org/tier': 'default' } : {}
  return {
    ...object,
    metadata: {
      ...object.metadata,
      labels: { ...object.metadata.labels, ...labels },
      uid: 'u',
      resourceVersion: '5',
      generation: 1,
      creationTimestamp: '2026-11-23T00:00:00Z',
    },
    ...(spec === undefined
      ? {}
      : {
          spec: {
            ...spec,
            ...(spec.ingress === undefined ? {} : { ingress: spec.ingress.map((rule) => ({ source: {}, destination: {}, ...rule })) }),
            ...(object.kind === 'Service' ? { type: 'ClusterIP', clusterIPs: ['None'], sessionAffinity: 'None' } : {}),
          },
        }),
    status: {},
  }
}
const edited = (object: KubeObject, edit: (copy: { metadata: Record<string, unknown>; spec: Record<string, unknown> }) => void): KubeObject => {
  const copy = structuredClone(stored(object)) as unknown as { metadata: Record<string, unknown>; spec: Record<string, unknown> }
  edit(copy)
  return copy as unknown as KubeObject
}

describe('sameSpec', () => {
  it('an object that was only stored is the same', () => {
    for (const one of objects) expect(sameSpec(stored(one), one), one.metadata.name).toBe(true)
    expect(diffObjects(objects.map(stored), objects).filter(({ change }) => change !== 'none')).toEqual([])
  })

  it.each<[string, KubeObject, boolean]>([
    ['a label of somebody else', edited(endpoint, ({ metadata }) => Object.assign(metadata['labels'] as object, { theirs: 'x' })), true],
    ['an annotation of somebody else', edited(endpoint, ({ metadata }) => Object.assign(metadata, { annotations: { a: 'b' } })), true],
    [
      'addresses in another order',
      edited({ ...endpoint, spec: { ...(endpoint['spec'] as object), expectedIPs: ['192.168.218.174'] } }, () => undefined),
      true,
    ],
    ['another run', edited(endpoint, ({ metadata }) => Object.assign(metadata['labels'] as object, { 'calico-fw.github.io/run': '2' })), false],
    ['a label gone', edited(endpoint, ({ metadata }) => Object.assign(metadata, { labels: { 'node-endpoint': 'home' } })), false],
    ['another profile', edited(endpoint, ({ spec }) => Object.assign(spec, { profiles: ['x'] })), false],
    ['one address more', edited(endpoint, ({ spec }) => Object.assign(spec, { expectedIPs: ['192.168.218.174', '10.0.0.1'] })), false],
    ['a field more', edited(endpoint, ({ spec }) => Object.assign(spec, { ports: [{ name: 'a', protocol: 'TCP', port: 1 }] })), false],
    ['being deleted', edited(endpoint, ({ metadata }) => Object.assign(metadata, { deletionTimestamp: '2026-11-23T00:00:00Z' })), false],
    [
      'a label that is ours and no longer wanted',
      edited(endpoint, ({ metadata }) =>
        Object.assign(metadata, {
          labels: { ...(metadata['labels'] as object), old: 'x' },
          managedFields: [
            { manager: 'calico-fw', operation: 'Apply', fieldsV1: { 'f:metadata': { 'f:labels': { 'f:old': {}, 'f:node-endpoint': {} } } } },
          ],
        }),
      ),
      false,
    ],
  ])('a HostEndpoint with %s', (_, live, same) => {
    expect(sameSpec(live, endpoint)).toBe(same)
  })

  it.each<[string, (spec: Record<string, unknown>) => void, boolean]>([
    ['the default tier left out', (spec) => delete spec['tier'], true],
    ['doNotTrack written as false', (spec) => Object.assign(spec, { doNotTrack: false, egress: [] }), true],
    ['another tier', (spec) => Object.assign(spec, { tier: 'security' }), false],
    ['another order', (spec) => Object.assign(spec, { order: 101 }), false],
    ['a rule that got narrower', (spec) => Object.assign((spec['ingress'] as object[])[2] as object, { notProtocol: 'TCP' }), false],
    ['rules in another order', (spec) => (spec['ingress'] as object[]).reverse(), false],
    ['a rule more', (spec) => (spec['ingress'] as object[]).push({ action: 'Deny' }), false],
    ['applyOnForward gone', (spec) => delete spec['applyOnForward'], false],
  ])('a policy with %s', (_, edit, same) => {
    expect(
      sameSpec(
        edited(base, ({ spec }) => edit(spec)),
        base,
      ),
    ).toBe(same)
  })

  it('another kind is never the same, another API group may be', () => {
    expect(sameSpec(base, endpoint)).toBe(false)
    const set = find('GlobalNetworkSet', 'calico-fw-open')
    expect(sameSpec({ ...set, apiVersion: 'crd.projectcalico.org/v1' }, set)).toBe(true)
  })

  it('tells create from update from none', () => {
    const live = [stored(base), edited(endpoint, ({ spec }) => Object.assign(spec, { profiles: [] }))]
    expect(diffObjects(live, [base, endpoint, find('Job', 'gate-1')]).map(({ change }) => change)).toEqual(['none', 'update', 'create'])
  })

  it('never calls a changed net the same', () => {
    const set = find('GlobalNetworkSet', 'calico-fw-nodes')
    fc.assert(
      fc.property(fc.uniqueArray(fc.ipV4(), { maxLength: 5 }), fc.uniqueArray(fc.ipV4(), { maxLength: 5 }), (one, other) => {
        const withNets = (nets: string[]) => ({ ...set, spec: { nets: nets.map((net) => `${net}/32`) } })
        expect(sameSpec(withNets(one), withNets(other))).toBe(JSON.stringify([...one].sort()) === JSON.stringify([...other].sort()))
      }),
    )
  })
})
