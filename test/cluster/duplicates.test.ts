import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../src/calico/object.ts'
import { findDuplicates } from '../../src/cluster/duplicates.ts'

const policy = (name: string, recordedName?: string, kind = 'GlobalNetworkPolicy', namespace?: string): KubeObject => ({
  apiVersion: 'x',
  kind,
  metadata: {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(recordedName === undefined ? {} : { annotations: { 'projectcalico.org/metadata': JSON.stringify({ name: recordedName }) } }),
  },
})
const found = (v3: string, storage: string, kind = 'GlobalNetworkPolicy') => ({ kind, v3, storage })

describe('findDuplicates behind the aggregated API', () => {
  it.each<[string, KubeObject[], KubeObject[], object[]]>([
    ['3.32: the same names', [policy('x')], [policy('x', 'x')], []],
    ['up to 3.31: the prefix, the name beside it', [policy('x')], [policy('default.x', 'x')], []],
    ['up to 3.28: the prefix, nothing beside it', [policy('x')], [policy('default.x')], []],
    ['a second policy written past the API, which Felix enforces too', [policy('x')], [policy('default.x', 'x'), policy('x')], [found('x', 'x')]],
    ['two of a name, and nothing tells which the API shows', [policy('x')], [policy('default.x'), policy('x')], [found('x', 'default.x')]],
    ['one the API does not show', [], [policy('x')], [found('', 'x')]],
    ['both shown', [policy('x'), policy('default.x')], [policy('x'), policy('default.x')], []],
    [
      'a prefix means nothing to a HostEndpoint',
      [policy('x', undefined, 'HostEndpoint')],
      [policy('default.x', undefined, 'HostEndpoint')],
      [found('', 'default.x', 'HostEndpoint')],
    ],
    [
      'a namespaced policy, one namespace only',
      [policy('x', undefined, 'NetworkPolicy', 'a')],
      [policy('default.x', undefined, 'NetworkPolicy', 'a'), policy('default.x', undefined, 'NetworkPolicy', 'b')],
      [found('', 'b/default.x', 'NetworkPolicy')],
    ],
    [
      'an annotation that is no JSON',
      [policy('x')],
      [{ ...policy('x'), metadata: { name: 'x', annotations: { 'projectcalico.org/metadata': '{' } } }],
      [],
    ],
  ])('%s', (_title, v3, storage, expected) => {
    expect(findDuplicates('aggregated', v3, storage)).toEqual(expected)
  })
})

describe('findDuplicates with native CRDs', () => {
  it.each<[string, KubeObject[], KubeObject[], object[]]>([
    ['a leftover under its old name', [policy('x')], [policy('default.x', 'x')], [found('x', 'default.x')]],
    ['a leftover nobody migrated', [], [policy('default.x')], [found('', 'default.x')]],
    ['a leftover under the same name is the same object', [policy('x')], [policy('x')], []],
  ])('%s', (_title, v3, storage, expected) => {
    expect(findDuplicates('native', v3, storage)).toEqual(expected)
  })
})

it('reports nothing where both groups hold the same names, and never more than the storage group holds', () => {
  const names = fc.uniqueArray(fc.stringMatching(/^(default\.)?[a-c]$/), { maxLength: 6 })
  fc.assert(
    fc.property(fc.constantFrom('native' as const, 'aggregated' as const), names, names, (flavour, one, other) => {
      const [a, b] = [one.map((name) => policy(name)), other.map((name) => policy(name))]
      expect(findDuplicates(flavour, a, a)).toEqual([])
      expect(findDuplicates(flavour, a, b).length).toBeLessThanOrEqual(b.length)
      expect(findDuplicates(flavour, [], b)).toHaveLength(b.length)
    }),
  )
})
