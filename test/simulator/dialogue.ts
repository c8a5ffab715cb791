/** One call of the dialogue with the API. `{uid:STEP}`, `{rv:STEP}` and `{continue:STEP}` stand for what the answer of an earlier step said. */
export interface Step {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly contentType?: string
  /** Signs in with this token: `admin`, `nobody` (no rights), `bad` (nobody's). Default admin. */
  readonly as?: 'admin' | 'nobody' | 'bad'
  /** What must be the same; default all of it. The server's own words differ where it prints Go values; of a page the names and whether more follow. */
  readonly compare?: 'all' | 'code' | 'reason' | 'page'
}

const merge = 'application/merge-patch+json'
const ssa = 'application/apply-patch+yaml'
const v3 = '/apis/projectcalico.org/v3'
const core = '/api/v1'
const talk = `${core}/namespaces/talk`
const jobs = '/apis/batch/v1/namespaces/talk/jobs'

const calico = (kind: string, name: string, spec: unknown, metadata: object = {}) => ({
  apiVersion: 'projectcalico.org/v3',
  kind,
  metadata: { name, ...metadata },
  spec,
})
const configMap = (name: string, data: unknown, more: object = {}, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
  ...more,
})
const job = (name: string, spec: object = {}) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name },
  spec: {
    ...{ parallelism: 0, activeDeadlineSeconds: 60, ttlSecondsAfterFinished: 0, backoffLimit: 0, ...spec },
    template: { spec: { restartPolicy: 'Never', containers: [{ name: 'none', image: 'none' }] } },
  },
})
const hep = (name: string, spec: object, metadata: object = {}) => calico('HostEndpoint', name, spec, metadata)
const get = (name: string, path: string, more: Partial<Step> = {}): Step => ({ name, method: 'GET', path, ...more })
const post = (name: string, path: string, body: unknown, more: Partial<Step> = {}): Step => ({ name, method: 'POST', path, body, ...more })
const put = (name: string, path: string, body: unknown, more: Partial<Step> = {}): Step => ({ name, method: 'PUT', path, body, ...more })
const patch = (name: string, path: string, body: unknown, more: Partial<Step> = {}): Step => ({
  ...{ name, method: 'PATCH', path, body, contentType: merge },
  ...more,
})
const apply = (name: string, path: string, body: unknown, manager = 'calico-fw', more: Partial<Step> = {}): Step => ({
  ...{ name, method: 'PATCH', path: `${path}${path.includes('?') ? '&' : '?'}fieldManager=${manager}`, body, contentType: ssa },
  ...more,
})
const remove = (name: string, path: string, body?: unknown, more: Partial<Step> = {}): Step => ({
  ...{ name, method: 'DELETE', path },
  ...(body === undefined ? {} : { body }),
  ...more,
})

const heps = `${v3}/hostendpoints`
const sets = `${v3}/globalnetworksets`
const policies = `${v3}/globalnetworkpolicies`
const felix = `${v3}/felixconfigurations`
const node1 = { node: 'n1', interfaceName: 'ens160' }
const preDnat = { preDNAT: true, applyOnForward: true, order: 1, types: ['Ingress'], selector: 'has(a)' }
const world = ['0.0.0.0/1', '128.0.0.0/1']

/** A watch of ConfigMaps that ends after a second. */
const watching = (query: string): string => `${talk}/configmaps?watch=true&timeoutSeconds=1&${query}`

/** Create, read, replace, patch, delete. */
const crud: Step[] = [
  post('namespace', `${core}/namespaces`, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'talk' } }),
  post('create', `${talk}/configmaps`, configMap('a', { one: '1' }, {}, { labels: { app: 'x' } })),
  post('create again', `${talk}/configmaps`, configMap('a', {})),
  post('create without name', `${talk}/configmaps`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} }),
  post('create with the wrong kind', `${talk}/configmaps`, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'b' } }, { compare: 'reason' }),
  post('create in another namespace', `${talk}/configmaps`, configMap('b', {}, {}, { namespace: 'default' }), { compare: 'reason' }),
  post('create in no namespace', `${core}/namespaces/nowhere/configmaps`, configMap('a', {})),
  post('create dry', `${talk}/configmaps?dryRun=All`, configMap('dry', {})),
  get('the dry one is not there', `${talk}/configmaps/dry`),
  post('create with a bad name', `${talk}/configmaps`, configMap('A_b', {}), { compare: 'reason' }),
  post('create with a bad label', `${talk}/configmaps`, configMap('b', {}, {}, { labels: { a: 'not a label!' } }), { compare: 'reason' }),
  post('create with an unknown field, strictly', `${talk}/configmaps?fieldValidation=Strict`, configMap('b', {}, { foo: 1 })),
  post('create with an unknown field', `${talk}/configmaps`, configMap('loose', {}, { foo: 1 })),
  get('read', `${talk}/configmaps/a`),
  get('read what is not there', `${talk}/configmaps/b`),
  put('replace', `${talk}/configmaps/a`, configMap('a', { one: '2' })),
  put('replace an old version', `${talk}/configmaps/a`, configMap('a', { one: '3' }, {}, { resourceVersion: '{rv:create}' })),
  put('replace under another uid', `${talk}/configmaps/a`, configMap('a', { one: '3' }, {}, { uid: 'other' }), { compare: 'reason' }),
  put('replace what is not there', `${talk}/configmaps/b`, configMap('b', {})),
  put('replace by the same', `${talk}/configmaps/a`, configMap('a', { one: '2' })),
  patch('patch', `${talk}/configmaps/a`, { data: { one: null, two: '2' }, metadata: { labels: { b: 'c' } } }),
  patch('patch an old version', `${talk}/configmaps/a`, { metadata: { resourceVersion: '{rv:create}' }, data: { two: '3' } }),
  patch('patch dry', `${talk}/configmaps/a?dryRun=All`, { data: { two: 'dry' } }),
  patch('patch nothing', `${talk}/configmaps/a`, { data: { two: '2' } }),
  patch('patch what is not there', `${talk}/configmaps/b`, { data: {} }),
  patch('make immutable', `${talk}/configmaps/a`, { immutable: true }),
  patch('change an immutable one', `${talk}/configmaps/a`, { data: { two: '3' } }),
  patch('make it mutable again', `${talk}/configmaps/a`, { immutable: false }),
  patch('label an immutable one', `${talk}/configmaps/a`, { metadata: { labels: { d: 'e' } } }),
  remove('delete by the wrong uid', `${talk}/configmaps/a`, { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: 'other' } }),
  remove(
    'delete an old version',
    `${talk}/configmaps/a`,
    {
      ...{ apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { resourceVersion: '{rv:create}' } },
    },
    { compare: 'reason' },
  ),
  remove('delete dry', `${talk}/configmaps/a?dryRun=All`),
  remove('delete', `${talk}/configmaps/a`),
  remove('delete again', `${talk}/configmaps/a`),
  put('put a Lease that is not there', '/apis/coordination.k8s.io/v1/namespaces/talk/leases/l', {
    ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'l' }, spec: { holderIdentity: 'a' } },
  }),
  put('put a Lease without its version', '/apis/coordination.k8s.io/v1/namespaces/talk/leases/l', {
    ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'l' }, spec: { holderIdentity: 'b' } },
  }),
  put('put a Lease at its version', '/apis/coordination.k8s.io/v1/namespaces/talk/leases/l', {
    ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' },
    ...{ metadata: { name: 'l', resourceVersion: '{rv:put a Lease that is not there}' }, spec: { holderIdentity: 'b' } },
  }),
]

/** Lists, selectors, pages, collections. */
const lists: Step[] = [
  ...['a', 'b', 'c'].map((name) =>
    post(`list item ${name}`, `${talk}/configmaps`, configMap(`list-${name}`, {}, {}, { labels: { list: 'yes', which: name } })),
  ),
  get('list by label', `${talk}/configmaps?labelSelector=list%3Dyes%2Cwhich+in+(a,b)`),
  get('list by absence', `${talk}/configmaps?labelSelector=list,which!%3Da`),
  get('list by field', `${talk}/configmaps?fieldSelector=metadata.name%3Dlist-b`),
  get('list by an unknown field', `${talk}/configmaps?fieldSelector=spec.foo%3Dbar`, { compare: 'code' }),
  get('list by a broken selector', `${talk}/configmaps?labelSelector=a%3D%3D%3Db`, { compare: 'code' }),
  get('first page', `${talk}/configmaps?labelSelector=list&limit=2`, { compare: 'page' }),
  get('last page', `${talk}/configmaps?labelSelector=list&limit=2&continue={continue:first page}`, { compare: 'page' }),
  get('watch from a version', watching('labelSelector=list&resourceVersion={rv:list item a}')),
  get('watch one by its name', watching('fieldSelector=metadata.name%3Dlist-c&resourceVersion={rv:list item a}')),
  get('watch from the beginning of time', watching('labelSelector=list&resourceVersion=1'), { compare: 'code' }),
  patch('relabel', `${talk}/configmaps/list-b`, { metadata: { labels: { which: 'z' } } }),
  get('watch what leaves a selector', watching('labelSelector=which%3Db&resourceVersion={rv:list item c}')),
  get('watch what enters a selector', watching('labelSelector=which%3Dz&resourceVersion={rv:list item c}')),
  get('page of a bad token', `${talk}/configmaps?limit=2&continue=nonsense`, { compare: 'code' }),
  remove('delete a collection dry', `${talk}/configmaps?labelSelector=list&dryRun=All`),
  remove('delete a collection', `${talk}/configmaps?labelSelector=list`),
  get('watch a collection go', watching('labelSelector=list&resourceVersion={rv:relabel}')),
  get('the collection is empty', `${talk}/configmaps?labelSelector=list`),
  get('an empty list of a CRD', heps),
]

/** Server-side apply: owners, conflicts, removal. */
const applies: Step[] = [
  apply('apply a new one', `${heps}/h1`, hep('h1', { ...node1, expectedIPs: ['10.0.0.1'], profiles: ['p'] }, { labels: { run: '1' } })),
  apply('apply the same', `${heps}/h1`, hep('h1', { ...node1, expectedIPs: ['10.0.0.1'], profiles: ['p'] }, { labels: { run: '1' } })),
  apply('apply less', `${heps}/h1`, hep('h1', node1)),
  apply('apply as another', `${heps}/h1`, hep('h1', { node: 'n1' }), 'other'),
  apply('apply against another', `${heps}/h1`, hep('h1', { node: 'n2', interfaceName: 'eth9' }), 'other'),
  apply('apply by force', `${heps}/h1?force=true`, hep('h1', { node: 'n2', interfaceName: 'eth9' }), 'other'),
  apply('apply what was taken', `${heps}/h1`, hep('h1', node1)),
  apply('apply without manager', `${heps}/h1`, hep('h1', node1), ''),
  { name: 'apply with no manager at all', method: 'PATCH', path: `${heps}/h1`, body: hep('h1', node1), contentType: ssa },
  apply('apply dry', `${heps}/h2?dryRun=All`, hep('h2', node1)),
  get('the dry one is not applied', `${heps}/h2`),
  apply('apply an unknown field', `${heps}/h2?fieldValidation=Strict`, hep('h2', { ...node1, foo: 1 })),
  apply('apply an unknown field loosely', `${heps}/h2?fieldValidation=Ignore`, hep('h2', { ...node1, foo: 1 })),
  apply('apply a wrong type', `${heps}/h2`, hep('h2', { ...node1, node: 3 }), 'calico-fw', { compare: 'code' }),
  apply('apply an old version', `${heps}/h1`, hep('h1', { node: 'n2' }, { resourceVersion: '{rv:apply a new one}' }), 'other'),
  apply('apply a new one at a version', `${heps}/h3`, hep('h3', node1, { resourceVersion: '{rv:apply a new one}' })),
  apply('apply another name', `${heps}/h3`, hep('h4', node1), 'calico-fw', { compare: 'code' }),
  apply('apply with managedFields', `${heps}/h3`, hep('h3', node1, { managedFields: [{ manager: 'x' }] }), 'calico-fw', { compare: 'code' }),
  patch('edit what was applied', `${heps}/h3?fieldManager=editor`, { spec: { interfaceName: 'eth1' }, metadata: { labels: { by: 'hand' } } }),
  apply('apply over an edit', `${heps}/h3`, hep('h3', node1)),
  apply('apply around an edit', `${heps}/h3`, hep('h3', { node: 'n1' })),
  apply('apply a set', `${sets}/s1`, calico('GlobalNetworkSet', 's1', { nets: ['10.0.0.0/8', '11.0.0.0/8'] })),
  apply('apply to a set as another', `${sets}/s1`, calico('GlobalNetworkSet', 's1', { nets: ['11.0.0.0/8', '12.0.0.0/8'] }), 'other'),
  apply('apply a smaller set', `${sets}/s1`, calico('GlobalNetworkSet', 's1', { nets: ['13.0.0.0/8'] })),
  apply('apply no set', `${sets}/s1`, calico('GlobalNetworkSet', 's1', {})),
  apply('apply a repeated set', `${sets}/s1`, calico('GlobalNetworkSet', 's1', { nets: ['13.0.0.0/8', '13.0.0.0/8'] }), 'calico-fw', {
    compare: 'code',
  }),
  apply(
    'apply owners',
    `${talk}/configmaps/owned`,
    configMap('owned', { a: '1' }, {}, { labels: { x: 'y' }, ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'z', uid: 'u1' }] }),
  ),
  apply(
    'apply another owner',
    `${talk}/configmaps/owned`,
    configMap('owned', { a: '1' }, {}, { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'z', uid: 'u2' }] }),
  ),
  apply('apply a Service', `${talk}/services/nodes`, {
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'nodes' } },
    spec: { clusterIP: 'None', publishNotReadyAddresses: true, selector: { 'k8s-app': 'calico-node' }, ports: [{ name: 'a', port: 10_250 }] },
  }),
]

/** Calico's own rules on native CRDs. */
const calicoKinds: Step[] = [
  post('a HEP of the wrong type', heps, hep('bad', { node: 3, interfaceName: 'x' })),
  post('a HEP that names nothing', heps, hep('bad', { node: 'n' })),
  post('a HEP without node', heps, hep('bad', { interfaceName: 'x' })),
  post('a HEP with a long interface', heps, hep('bad', { node: 'n', interfaceName: 'sixteen-letters-' })),
  post('a HEP with an unknown field', `${heps}?fieldValidation=Strict`, hep('bad', { ...node1, foo: 1 })),
  put('replace a CRD without version', `${heps}/h1`, hep('h1', node1)),
  post('a policy', policies, calico('GlobalNetworkPolicy', 'p1', { ...preDnat, ingress: [{ action: 'Deny', source: { nets: world } }] })),
  post('a policy without types', policies, calico('GlobalNetworkPolicy', 'p2', { egress: [{ action: 'Allow' }] })),
  post('preDNAT without forward', policies, calico('GlobalNetworkPolicy', 'p3', { ...preDnat, applyOnForward: false })),
  post('preDNAT with egress', policies, calico('GlobalNetworkPolicy', 'p3', { ...preDnat, types: ['Ingress', 'Egress'] })),
  post('a policy of an unknown action', policies, calico('GlobalNetworkPolicy', 'p3', { ingress: [{ action: 'Foo' }] })),
  apply('apply a policy', `${policies}/p4`, calico('GlobalNetworkPolicy', 'p4', { ...preDnat, ingress: [{ action: 'Deny' }] })),
  apply('apply another policy', `${policies}/p4`, calico('GlobalNetworkPolicy', 'p4', { ...preDnat, ingress: [{ action: 'Allow' }] })),
  post('FelixConfiguration', felix, calico('FelixConfiguration', 'node.talk', { logSeverityScreen: 'Info' })),
  patch('failsafes', `${felix}/node.talk`, { spec: { failsafeInboundHostPorts: [{ protocol: 'TCP', port: 22 }] } }),
  patch('failsafes at an old version', `${felix}/node.talk`, { metadata: { resourceVersion: '{rv:FelixConfiguration}' }, spec: {} }),
  patch('SCTP failsafes', `${felix}/node.talk`, { spec: { failsafeInboundHostPorts: [{ protocol: 'SCTP', port: 22 }, { port: 23 }] } }),
  patch('failsafes without port', `${felix}/node.talk`, { spec: { failsafeInboundHostPorts: [{ protocol: 'TCP' }] } }),
  patch('failsafes back', `${felix}/node.talk`, { spec: { failsafeInboundHostPorts: null } }),
  apply('apply failsafes over them', `${felix}/node.talk`, calico('FelixConfiguration', 'node.talk', { logSeverityScreen: 'Debug' })),
]

/** Jobs and what they own. */
const jobSteps: Step[] = [
  post('a Job', jobs, job('j1')),
  apply('apply a Job', `${jobs}/j2`, job('j2')),
  patch('another deadline', `${jobs}/j1`, { spec: { activeDeadlineSeconds: 90 } }),
  patch('a negative deadline', `${jobs}/j1`, { spec: { activeDeadlineSeconds: -1 } }, { compare: 'reason' }),
  patch('other completions', `${jobs}/j1`, { spec: { completions: 3 } }),
  patch('another template', `${jobs}/j1`, { spec: { template: { spec: { restartPolicy: 'OnFailure' } } } }, { compare: 'reason' }),
  patch('suspend', `${jobs}/j1`, { spec: { suspend: true } }),
  post('a Job without containers', jobs, { ...job('j3'), spec: { template: { spec: {} } } }, { compare: 'reason' }),
  remove('delete a Job in the foreground', `${jobs}/j1`, { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Foreground' }),
  get('it waits', `${jobs}/j1`),
  post('a Job to leave', jobs, job('j4')),
  remove('delete a Job without saying how', `${jobs}/j4`),
  remove('delete a Job as orphan', `${jobs}/j2`, { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Orphan' }),
]

/** Who may not. */
const rights: Step[] = [
  get('list without rights', heps, { as: 'nobody' }),
  get('read without rights', `${talk}/configmaps/a`, { as: 'nobody' }),
  apply('apply without rights', `${heps}/h9`, hep('h9', node1), 'calico-fw', { as: 'nobody' }),
  remove('delete a collection without rights', `${talk}/configmaps`, undefined, { as: 'nobody' }),
  get('a bad token', heps, { as: 'bad' }),
  get('an unknown resource', `${v3}/foos`, { compare: 'code' }),
  get('an unknown group', '/apis/nowhere.example/v1/foos', { compare: 'code' }),
  post('a subresource that is none', `${heps}/h1/status`, hep('h1', node1), { compare: 'code' }),
  patch('a content type', `${heps}/h1`, {}, { contentType: 'text/plain', compare: 'code' }),
  post(
    'may I',
    '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    {
      ...{ apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview' },
      spec: { resourceAttributes: { group: 'projectcalico.org', resource: 'hostendpoints', verb: 'delete' } },
    },
    { compare: 'code' },
  ),
  remove('delete the namespace', `${core}/namespaces/talk`),
  post('create in a leaving namespace', `${talk}/configmaps`, configMap('late', {})),
]

/** The whole dialogue, in order: each step stands on those before it. */
export const dialogue: readonly Step[] = [...crud, ...lists, ...applies, ...calicoKinds, ...jobSteps, ...rights]
