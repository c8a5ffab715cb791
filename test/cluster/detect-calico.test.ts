import { describe, expect, it } from 'vitest'
import { createApi } from '../../src/cluster/create-api.ts'
import { type DetectedCalico, detectCalico } from '../../src/cluster/detect-calico.ts'
import { failureOf, told } from './test-connection.ts'
import { kept, serve, to } from './test-scope.ts'
import { answer, statusBody } from './test-server.ts'

type Paths = Readonly<Record<string, unknown>>
const v3 = '/apis/projectcalico.org/v3'
const storage = '/apis/crd.projectcalico.org/v1'
const groups = (...names: string[]): Paths => ({ '/apis': { kind: 'APIGroupList', groups: ['apps', ...names].map((name) => ({ name })) } })
const list = (...items: object[]): object => ({ kind: 'List', apiVersion: 'v1', metadata: {}, items })
const object = (name: string, rest: object): object => ({ kind: 'X', apiVersion: 'v1', metadata: { name }, ...rest })
const apiService = (spec: object, available = 'True'): Paths => ({
  '/apis/apiregistration.k8s.io/v1/apiservices/v3.projectcalico.org': object('v3.projectcalico.org', {
    spec,
    status: { conditions: [{ type: 'Available', status: available }] },
  }),
})
const daemonSet = (container: object, namespace = 'calico-system', name = 'calico-node'): object => ({
  metadata: { name, namespace },
  spec: {
    selector: { matchLabels: { 'k8s-app': name } },
    template: { spec: { containers: [{ name: 'other' }, { name: 'calico-node', image: 'docker.io/calico/node:v3.30.1', ...container }] } },
  },
})
const daemonSets = (...items: object[]): Paths => ({ '/apis/apps/v1/daemonsets': list(...items) })
const felix = (root: string, ...items: object[]): Paths => ({ [`${root}/felixconfigurations`]: list(...items) })
const information = (root: string, calicoVersion: string): Paths => ({
  [`${root}/clusterinformations/default`]: object('default', { spec: { calicoVersion } }),
})
const native: Paths = { ...groups('projectcalico.org'), ...apiService({}), ...daemonSets(daemonSet({})), ...felix(v3), ...information(v3, 'v3.32.1') }

const apiOf = async (paths: Paths) => {
  const server = await serve((request, response) => {
    const found = paths[request.path]
    if (found !== undefined) return answer(response, 200, found)
    const isCollection = ['/apis/apps/v1/daemonsets', '/api/v1/pods', '/api/v1/nodes'].includes(request.path)
    answer(response, isCollection ? 200 : 404, isCollection ? list() : statusBody(404, 'NotFound', 'not found'))
  })
  return { server, api: kept(createApi(to({ server: server.url }))) }
}
const detect = async (paths: Paths, proxyMode: 'iptables' | 'nftables' = 'iptables'): Promise<DetectedCalico> =>
  detectCalico((await apiOf(paths)).api, { proxyMode })

describe('detectCalico', () => {
  it('native v3 CRDs', async () => {
    expect(await detect(native)).toEqual({
      flavour: 'native',
      version: 'v3.32.1',
      dataplane: 'iptables',
      namespace: 'calico-system',
      nodePodLabels: { 'k8s-app': 'calico-node' },
      calicoNode: { namespace: 'calico-system', podLabels: { 'k8s-app': 'calico-node' }, image: 'docker.io/calico/node:v3.30.1', env: {} },
      readableAs: 'projectcalico.org/v3',
      apiAvailable: true,
      windowsNodes: [],
    })
  })

  it('the aggregated API', async () => {
    const found = await detect({
      ...native,
      ...groups('projectcalico.org', 'crd.projectcalico.org'),
      ...apiService({ service: { name: 'calico-api' } }),
    })
    expect([found.flavour, found.readableAs, found.apiAvailable]).toEqual(['aggregated', 'projectcalico.org/v3', true])
  })

  it('the aggregated API while it is down: seen by its APIService, read from storage', async () => {
    const found = await detect({
      ...groups('crd.projectcalico.org'),
      ...apiService({ service: { name: 'calico-api' } }, 'False'),
      ...daemonSets(daemonSet({})),
      ...felix(storage),
      ...information(storage, 'v3.31.0'),
    })
    expect([found.flavour, found.readableAs, found.apiAvailable, found.version]).toEqual(['aggregated', 'crd.projectcalico.org/v1', false, 'v3.31.0'])
  })

  it('storage CRDs alone, by a manifest', async () => {
    const found = await detect({
      ...groups('crd.projectcalico.org'),
      ...daemonSets(daemonSet({}, 'kube-system')),
      ...felix(storage),
      ...information(storage, 'v3.28.0'),
    })
    expect([found.flavour, found.namespace, found.readableAs]).toEqual(['storage', 'kube-system', 'crd.projectcalico.org/v1'])
  })

  it.each<[string, Paths]>([
    ['a literal value', daemonSets(daemonSet({ env: [{ name: 'DATASTORE_TYPE', value: 'etcdv3' }] }))],
    [
      'a ConfigMap key',
      {
        ...daemonSets(daemonSet({ env: [{ name: 'DATASTORE_TYPE', valueFrom: { configMapKeyRef: { name: 'calico-config', key: 'type' } } }] })),
        '/api/v1/namespaces/calico-system/configmaps/calico-config': object('calico-config', { data: { type: 'etcdv3' } }),
      },
    ],
    [
      'a whole ConfigMap',
      {
        ...daemonSets(daemonSet({ envFrom: [{ configMapRef: { name: 'calico-config' } }] })),
        '/api/v1/namespaces/calico-system/configmaps/calico-config': object('calico-config', { data: { DATASTORE_TYPE: 'etcdv3' } }),
      },
    ],
  ])("etcd, by calico-node's environment: %s", async (_title, node) => {
    expect((await detect({ ...native, ...node })).flavour).toBe('etcd')
  })

  it('a migration under way, and one that has not begun', async () => {
    const migration = (status: object): Paths => ({
      ...native,
      ...groups('projectcalico.org', 'crd.projectcalico.org', 'migration.projectcalico.org'),
      '/apis/migration.projectcalico.org/v1beta1/datastoremigrations': list(object('m', status)),
    })
    expect(await detect(migration({ status: { phase: 'Migrating' } }))).toMatchObject({ flavour: 'migrating', migrationPhase: 'Migrating' })
    expect(await detect(migration({}))).toMatchObject({ flavour: 'migrating', migrationPhase: 'Pending' })
  })

  it('a migration that is complete, CALICO_API_GROUP telling Felix so', async () => {
    const found = await detect({
      ...native,
      ...groups('projectcalico.org', 'crd.projectcalico.org', 'migration.projectcalico.org'),
      '/apis/migration.projectcalico.org/v1beta1/datastoremigrations': list(object('m', { status: { phase: 'Complete' } })),
      ...daemonSets(daemonSet({ env: [{ name: 'CALICO_API_GROUP', value: 'projectcalico.org/v3' }] })),
    })
    expect(found.flavour).toBe('native')
  })

  it('eBPF by FelixConfiguration, by environment, by the Installation', async () => {
    expect(
      (await detect({ ...native, ...felix(v3, object('node.ws1', { spec: { bpfEnabled: true } }), object('default', { spec: {} })) })).dataplane,
    ).toBe('bpf')
    expect((await detect({ ...native, ...daemonSets(daemonSet({ env: [{ name: 'FELIX_BPFENABLED', value: 'true' }] })) })).dataplane).toBe('bpf')
    const operator = {
      ...native,
      ...groups('projectcalico.org', 'operator.tigera.io'),
      '/apis/operator.tigera.io/v1/installations': list(object('default', { spec: { calicoNetwork: { linuxDataplane: 'BPF' } } })),
    }
    expect(await detect(operator)).toMatchObject({ dataplane: 'bpf', linuxDataplane: 'BPF' })
  })

  it("takes nftablesMode from FelixConfiguration default, not from one node's", async () => {
    const configurations = felix(
      v3,
      object('node.ws1', { spec: { nftablesMode: 'Disabled' } }),
      object('default', { spec: { nftablesMode: 'Enabled' } }),
    )
    expect((await detect({ ...native, ...configurations })).dataplane).toBe('nftables')
    expect((await detect(native, 'nftables')).dataplane).toBe('nftables')
  })

  it('Windows nodes by name', async () => {
    const { api, server } = await apiOf({ ...native, '/api/v1/nodes': list(object('win1', {})) })
    expect((await detectCalico(api)).windowsNodes).toEqual(['win1'])
    expect(server.requests.find(({ path }) => path === '/api/v1/nodes')?.query.labelSelector).toBe('kubernetes.io/os=windows')
  })

  it.each([
    ['docker.io/calico/node:v3.30.1', 'v3.30.1'],
    ['registry:5000/calico/node:v3.30.1-amd64@sha256:abc', 'v3.30.1-amd64'],
    ['quay.io/calico/node@sha256:abc', undefined],
    ['calico/node:latest', undefined],
  ])('the version from the image %s where ClusterInformation is silent', async (image, version) => {
    const { '/apis/projectcalico.org/v3/clusterinformations/default': _gone, ...silent } = native
    expect((await detect({ ...silent, ...daemonSets(daemonSet({ image })) })).version).toBe(version)
  })

  it("the operator's calico-node before a leftover of a manifest, and Canal's by its container", async () => {
    expect((await detect({ ...native, ...daemonSets(daemonSet({}, 'kube-system'), daemonSet({})) })).namespace).toBe('calico-system')
    const canal = await detect({ ...native, ...daemonSets(daemonSet({}, 'kube-system', 'canal')) })
    expect([canal.namespace, canal.nodePodLabels]).toEqual(['kube-system', { 'k8s-app': 'canal' }])
  })

  it('calico-node by its pods where no DaemonSet runs them', async () => {
    const pod = {
      metadata: { name: 'calico-node-a', namespace: 'calico-system' },
      spec: { containers: [{ name: 'calico-node', env: [{ name: 'CALICO_API_GROUP', value: 'x' }] }] },
    }
    const found = await detect({ ...native, ...daemonSets(), '/api/v1/pods': list(pod) })
    expect([found.namespace, found.calicoNode?.env]).toEqual(['calico-system', { CALICO_API_GROUP: 'x' }])
  })

  it('no calico-node in sight', async () => {
    const found = await detect({ ...native, ...daemonSets() })
    expect([found.calicoNode, found.namespace, found.nodePodLabels]).toEqual([undefined, 'kube-system', { 'k8s-app': 'calico-node' }])
  })

  it('no Calico at all is refused with what to do', async () => {
    const error = await failureOf(detect({ ...groups() }))
    expect(told(error)).toMatch(/FW_UNSUPPORTED\nthis cluster has no Calico\n.*\n.*--context NAME/)
  })

  it('only reads', async () => {
    const { api, server } = await apiOf(native)
    await detectCalico(api)
    expect(new Set(server.requests.map(({ method }) => method))).toEqual(new Set(['GET']))
  })
})
