/** What a request asks of Kubernetes, in the words of its access rules. */
export interface RequestWords {
  /** get, list, watch, create, update, patch, delete or deletecollection; the HTTP method in lower case for paths that are no resource. */
  readonly verb: string
  /** `hostendpoints.projectcalico.org`, `pods`, or the path itself when it names no resource. */
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
}

const verbOf = { GET: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const

/** Reads a request as the API server's authoriser does (apiserver pkg/endpoints/request/requestinfo.go). */
export const requestWords = (method: string, path: string): RequestWords => {
  const url = new URL(path, 'http://server')
  const parts = url.pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent)
  const [root, ...rest] = parts
  const [group, beyond] = root === 'api' ? ['', rest.slice(1)] : root === 'apis' ? [rest[0] ?? '', rest.slice(2)] : ['', []]
  if (beyond.length === 0) return { verb: method.toLowerCase(), resource: url.pathname, subresource: '', namespace: '', name: '' }
  const namespaced = beyond[0] === 'namespaces' && beyond.length > 2
  const [plural = '', name = '', subresource = ''] = namespaced ? beyond.slice(2) : beyond
  const watching = ['1', 'true'].includes(url.searchParams.get('watch') ?? '')
  const single = verbOf[method as keyof typeof verbOf] ?? method.toLowerCase()
  const verb = name !== '' ? single : watching ? 'watch' : single === 'get' ? 'list' : single === 'delete' ? 'deletecollection' : single
  return { verb, resource: group === '' ? plural : `${plural}.${group}`, subresource, namespace: namespaced ? (beyond[1] ?? '') : '', name }
}

/** `patch globalnetworkpolicies.projectcalico.org calico-fw-base`: how a request is named to people. */
export const formatRequest = ({ verb, resource, subresource, namespace, name }: RequestWords): string => {
  const full = subresource === '' ? resource : `${resource}/${subresource}`
  return [verb, full, name === '' ? (namespace === '' ? '' : `in ${namespace}`) : `${namespace === '' ? '' : `${namespace}/`}${name}`]
    .filter((word) => word !== '')
    .join(' ')
}

/** The command that asks the cluster about this very right. */
export const canI = ({ verb, resource, subresource, namespace, name }: RequestWords, connectionFlags: string): string =>
  [
    'kubectl auth can-i',
    verb,
    name === '' || verb === 'create' ? resource : `${resource}/${name}`,
    subresource === '' ? '' : `--subresource=${subresource}`,
    namespace === '' ? '' : `--namespace=${namespace}`,
    connectionFlags,
  ]
    .filter((word) => word !== '')
    .join(' ')
