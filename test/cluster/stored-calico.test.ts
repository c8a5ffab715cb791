import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { names, ownLabels } from '../../src/calico/names.ts'
import type { KubeObject, ObjectRef } from '../../src/calico/object.ts'
import { resourceOf, storage, v3 } from '../../src/calico/resources.ts'
import type { Api } from '../../src/cluster/api.ts'
import { withStoredCalico } from '../../src/cluster/stored-api.ts'
import { shown, stored, storedRef } from '../../src/cluster/stored-calico.ts'
import { FwError } from '../../src/errors.ts'
import { basePolicy } from '../../src/firewall/objects/base-policy.ts'
import { sameSpec } from '../../src/firewall/objects/same-spec.ts'

const plain = { prefixed: false }
const before332 = { prefixed: true }
const endpoint: KubeObject = {
  apiVersion: v3,
  kind: 'HostEndpoint',
  metadata: { name: 'ws1-ens160', labels: { zone: 'b', app: 'a' }, annotations: { note: 'x' } },
  spec: { node: 'ws1', interfaceName: 'ens160' },
}

describe('as Calico’s own client stores it', () => {
  it('a HostEndpoint: labels and annotations in one annotation, sorted as Go sorts them, none in plain metadata', () => {
    expect(stored(endpoint, plain)).toEqual({
      apiVersion: storage,
      kind: 'HostEndpoint',
      metadata: {
        name: 'ws1-ens160',
        annotations: { 'projectcalico.org/metadata': '{"creationTimestamp":null,"labels":{"app":"a","zone":"b"},"annotations":{"note":"x"}}' },
      },
      spec: endpoint['spec'],
    })
  })

  it('a policy: its name in the annotation, the label of its tier in both', () => {
    const { metadata } = stored(basePolicy('calico-system', undefined), plain)
    expect(metadata.labels).toEqual({ 'projectcalico.org/tier': 'default' })
    expect(JSON.parse(metadata.annotations?.['projectcalico.org/metadata'] ?? '')).toMatchObject({
      name: names.basePolicy,
      labels: { 'projectcalico.org/tier': 'default' },
    })
  })

  it.each([
    ['GlobalNetworkPolicy', before332, 'default.x'],
    ['GlobalNetworkPolicy', plain, 'x'],
    ['HostEndpoint', before332, 'x'],
  ])('the name of a %s, %o: %s', (kind, of, name) => {
    expect(storedRef({ apiVersion: v3, kind, name: 'x' }, of)).toEqual({ apiVersion: storage, kind, name })
  })
})

describe('as its API shows it', () => {
  it('the annotation wins over plain labels; a policy without one loses the prefix of its tier', () => {
    const annotations = { 'projectcalico.org/metadata': '{"labels":{"zone":"b"}}', kept: 'yes' }
    expect(shown({ ...endpoint, apiVersion: storage, metadata: { name: 'n', labels: { zone: 'a', old: 'o' }, annotations } }).metadata).toEqual({
      ...{ name: 'n', labels: { zone: 'b', old: 'o' } },
      annotations: { kept: 'yes' },
    })
    expect(shown({ apiVersion: storage, kind: 'GlobalNetworkPolicy', metadata: { name: 'default.x' }, spec: {} }).metadata.name).toBe('x')
    expect(shown({ apiVersion: storage, kind: 'GlobalNetworkPolicy', metadata: { name: 'default.x' }, spec: { tier: 'other' } }).metadata.name).toBe(
      'default.x',
    )
  })

  it.each(['{"labels":', '[]', 'null', '"text"'])('an annotation that is %s says nothing', (text) => {
    expect(shown({ ...endpoint, metadata: { name: 'n', annotations: { 'projectcalico.org/metadata': text } } }).metadata).toEqual({ name: 'n' })
  })

  it('and what is stored is the same object again, whatever its labels and version', () => {
    const label = fc.dictionary(fc.stringMatching(/^[a-z]{1,5}(\.io\/[a-z]{1,3})?$/), fc.stringMatching(/^[a-z]{0,4}$/), { maxKeys: 4 })
    fc.assert(
      fc.property(
        label,
        label,
        fc.boolean(),
        fc.constantFrom('HostEndpoint', 'GlobalNetworkPolicy', 'GlobalNetworkSet'),
        (labels, annotations, prefixed, kind) => {
          const object = { ...endpoint, kind, metadata: { name: 'x', labels, annotations }, spec: { nets: [] } }
          expect(sameSpec(shown(stored(object, { prefixed })), object)).toBe(true)
        },
      ),
    )
  })

  it('a label of ours that the file no longer has is a difference, as it is in the API', () => {
    const managedFields = [{ manager: 'calico-fw', operation: 'Apply', fieldsV1: { 'f:metadata': { 'f:annotations': {} } } }]
    const made = stored({ ...endpoint, metadata: { name: 'x', labels: ownLabels({ site: 'home' }) } }, plain)
    const read = shown({ ...made, metadata: { ...made.metadata, managedFields } })
    const wanted = (labels: Record<string, string>) => ({ ...endpoint, metadata: { name: 'x', labels: ownLabels(labels) } })
    expect([sameSpec(read, wanted({ site: 'home' })), sameSpec(read, wanted({}))]).toEqual([true, false])
  })
})

describe('the API', () => {
  /** What is asked of an API that serves these groups, and has these storage objects. */
  const recording = (
    groups: readonly string[],
    objects: readonly KubeObject[] = [],
    registered = false,
    fail: (what: string) => void = () => undefined,
  ) => {
    const calls: string[] = []
    const noting = <Answer>(call: string, answer: Answer): Answer => {
      calls.push(call)
      return answer
    }
    const at = ({ apiVersion, kind, name }: ObjectRef) => `${apiVersion} ${kind} ${name}`
    const found = new Map(objects.map((one) => [`${one.apiVersion} ${one.kind} ${one.metadata.name}`, one]))
    if (registered) found.set('apiregistration.k8s.io/v1 APIService v3.projectcalico.org', endpoint)
    const api = {
      request: async () => {
        fail('/apis')
        return { groups: groups.map((name) => ({ name })) }
      },
      get: async (ref: ObjectRef) => {
        fail(ref.kind)
        return noting(`get ${at(ref)}`, found.get(at(ref)))
      },
      list: async ({ group, kind }: { group: string; kind: string }, options: object) =>
        noting(
          `list ${group} ${kind} ${JSON.stringify(options)}`,
          objects.filter((one) => one.kind === kind),
        ),
      apply: async (object: KubeObject) => noting(`apply ${object.apiVersion} ${object.metadata.name}`, object),
      delete: async (ref: ObjectRef) => noting(`delete ${at(ref)}`, true),
      deleteCollection: async ({ group }: { group: string }) => void calls.push(`deleteCollection ${group}`),
    } as unknown as Api
    return { api: withStoredCalico(api), calls: () => calls.filter((call) => !/APIService|ClusterInformation/.test(call)) }
  }
  const information = (calicoVersion: string): KubeObject => ({
    apiVersion: storage,
    kind: 'ClusterInformation',
    metadata: { name: 'default' },
    spec: { calicoVersion },
  })

  it.each([
    ['served', ['projectcalico.org', 'crd.projectcalico.org'], false],
    ['native', ['projectcalico.org'], false],
    ['registered and down', ['crd.projectcalico.org'], true],
  ])('passes everything where v3 is %s', async (_, groups, registered) => {
    const { api, calls } = recording(groups, [], registered)
    await api.apply(endpoint)
    await api.deleteCollection(resourceOf(v3, 'HostEndpoint'), { labelSelector: 'run' })
    expect(calls()).toEqual([`apply ${v3} ws1-ens160`, 'deleteCollection projectcalico.org'])
  })

  it('writes to storage where there is nothing else, by the names of that version', async () => {
    const { api, calls } = recording(['crd.projectcalico.org'], [information('v3.31.2')])
    const policy = basePolicy('calico-system', undefined)
    expect(sameSpec(await api.apply(policy), policy)).toBe(true)
    await api.get({ apiVersion: v3, kind: 'GlobalNetworkPolicy', name: 'x' })
    await api.get({ apiVersion: storage, kind: 'NetworkSet', name: 'gate-1' })
    expect(calls()).toEqual([
      `apply ${storage} default.calico-fw-base`,
      `get ${storage} GlobalNetworkPolicy default.x`,
      `get ${storage} NetworkSet gate-1`,
    ])
  })

  it('selects by the labels in the annotation, and deletes what it selects one by one', async () => {
    const of = (name: string, labels: Record<string, string>) => stored({ ...endpoint, metadata: { name, labels } }, plain)
    const { api, calls } = recording(
      ['crd.projectcalico.org'],
      [information('v3.32.1'), of('a', { run: '1' }), of('b', { run: '2' }), of('c', { other: '1' })],
    )
    const seen = async (labelSelector: string) =>
      (await api.list(resourceOf(v3, 'HostEndpoint'), { labelSelector }))?.map(({ metadata }) => metadata.name)
    expect([await seen('run'), await seen('run=2'), await seen('run=2,other')]).toEqual([['a', 'b'], ['b'], []])
    await api.deleteCollection(resourceOf(v3, 'HostEndpoint'), { labelSelector: 'run' })
    expect(calls().slice(-2)).toEqual([`delete ${storage} HostEndpoint a`, `delete ${storage} HostEndpoint b`])
  })

  it.each([
    ['the groups', { '/apis': true }],
    ['whether Calico’s API server is registered', { APIService: true }],
    ['its version', { ClusterInformation: true }],
  ])('does not call an object absent while nobody tells %s, and asks again', async (_, broken: Record<string, boolean>) => {
    const fail = (what: string) => {
      if (broken[what] === true) throw new FwError('FW_TIMEOUT', `${what} did not answer`)
    }
    const { api } = recording(['crd.projectcalico.org'], [information('v3.32.1'), { ...stored(endpoint, plain) }], false, fail)
    const ref = { apiVersion: v3, kind: 'HostEndpoint', name: 'ws1-ens160' }
    await api.request('GET', '/apis').catch(() => undefined)
    await expect(api.get(ref)).rejects.toThrow('did not answer')
    for (const what of Object.keys(broken)) broken[what] = false
    expect((await api.get(ref))?.metadata.labels).toEqual({ app: 'a', zone: 'b' })
  })

  it('writes nothing where Calico does not tell its version', async () => {
    const { api, calls } = recording(['crd.projectcalico.org'])
    await expect(api.apply(endpoint)).rejects.toMatchObject({ code: 'FW_UNSUPPORTED' })
    expect(calls()).toEqual([])
  })

  it('takes v3 for served where the list of groups is no list: in an emergency that is the guess that may open', async () => {
    const { api, calls } = recording([], [], false, (what) => {
      if (what === '/apis') throw new FwError('FW_API', 'no JSON')
    })
    await api.apply(endpoint)
    expect(calls()).toEqual([`apply ${v3} ws1-ens160`])
  })
})
