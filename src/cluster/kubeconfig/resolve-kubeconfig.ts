import { FwError } from '../../errors.ts'
import type { Workstation } from '../workstation.ts'
import { type ConnectionFlags, parseRequestTimeout } from './connection-flags.ts'
import { type LoadedKubeconfig, loadKubeconfig, pathsOf } from './kubeconfig-chain.ts'
import { checkCluster, checkUser } from './kubeconfig-checks.ts'
import { type ClusterEntry, type ContextEntry, emptyCluster, emptyUser, type UserEntry } from './kubeconfig-schema.ts'

/** Which cluster, as whom, how: files and flags joined, nothing read yet but the kubeconfigs. Holds credentials: never print it whole. */
export interface ResolvedKubeconfig {
  /** The context's name; empty when flags alone say everything. */
  readonly context: string
  readonly clusterName: string
  readonly userName: string
  /** `default` unless the context or `--namespace` says otherwise. */
  readonly namespace: string
  /** With scheme, without query; may carry a path. */
  readonly server: URL
  readonly cluster: ClusterEntry
  readonly user: UserEntry
  readonly requestTimeoutMs: number | undefined
  /** Flags that make kubectl reach the same cluster as the same user, as a shell takes them; no secrets. */
  readonly kubectlFlags: string
  /** What a person should know although kubectl keeps silent about it. */
  readonly notices: readonly string[]
}

/**
 * Decides which cluster to talk to, exactly as kubectl with the same flags, environment and files would (client-go
 * tools/clientcmd/client_config.go), but for two slides it takes when nothing is configured: never into the cluster we may run in, never to
 * localhost:8080.
 * @throws FwError FW_KUBECONFIG, FW_USAGE
 */
export const resolveKubeconfig = (flags: ConnectionFlags, machine: Workstation): ResolvedKubeconfig => {
  const loaded = loadKubeconfig(flags, machine)
  const { name, context } = chosenContext(flags, loaded)
  const clusterName = flags.cluster || context.cluster
  const userName = flags.user || context.user
  const cluster = clusterWith(flags, namedEntry('cluster', clusterName, flags.cluster, loaded.clusters) ?? emptyCluster, machine)
  const namedUser = namedEntry('user', userName, flags.user, loaded.users)
  const user = userWith(flags, namedUser ?? emptyUser, machine)
  if (cluster.server === '') throw noServer(loaded, name, clusterName)
  checkCluster(clusterName, cluster)
  checkUser(userName, user)
  return {
    context: name,
    clusterName,
    userName,
    namespace: flags.namespace || context.namespace || 'default',
    server: serverUrl(cluster.server, clusterName),
    cluster,
    user,
    kubectlFlags: kubectlFlags(flags, name),
    requestTimeoutMs: parseRequestTimeout(flags.requestTimeout),
    notices: userName !== '' && namedUser === undefined ? [`no kubeconfig defines the user "${userName}": requests go out without credentials`] : [],
  }
}

const chosenContext = (flags: ConnectionFlags, loaded: LoadedKubeconfig): { name: string; context: ContextEntry } => {
  const name = flags.context || loaded.currentContext
  const context = loaded.contexts.get(name)
  if (context !== undefined) return { name, context }
  if (name === '') return { name, context: { cluster: '', user: '', namespace: '' } }
  throw new FwError('FW_KUBECONFIG', `the context "${name}" does not exist`, {
    why:
      loaded.files.length === 0
        ? `there is no kubeconfig, so there is no context; not there: ${loaded.missing.join(', ')}`
        : `${filesOf(loaded)} ${loaded.contexts.size === 0 ? 'defines no context' : `defines ${[...loaded.contexts.keys()].map((known) => `"${known}"`).join(', ')}`}`,
    fix:
      loaded.files.length === 0
        ? 'name a kubeconfig: --kubeconfig FILE or KUBECONFIG=FILE'
        : 'choose one that exists: --context NAME, or kubectl config use-context NAME',
  })
}

/** An entry a flag names must exist; one a context names may be missing. */
const namedEntry = <Entry>(kind: string, name: string, flag: string | undefined, entries: ReadonlyMap<string, Entry>): Entry | undefined => {
  const entry = entries.get(name)
  if (entry === undefined && flag) {
    throw new FwError('FW_KUBECONFIG', `the ${kind} "${name}" does not exist in the kubeconfig`, {
      fix: `see what does: kubectl config view -o jsonpath='{.${kind}s[*].name}'`,
    })
  }
  return entry
}

const clusterWith = (flags: ConnectionFlags, entry: ClusterEntry, machine: Workstation): ClusterEntry => {
  // --certificate-authority and --insecure-skip-tls-verify replace the entry's trust as a whole; --server drops its tls-server-name.
  const trust = flags.insecureSkipTlsVerify || flags.certificateAuthority
  return {
    ...entry,
    server: flags.server || entry.server,
    'tls-server-name': flags.tlsServerName || (flags.server ? '' : entry['tls-server-name']),
    ...(trust
      ? {
          'insecure-skip-tls-verify': flags.insecureSkipTlsVerify ?? false,
          'certificate-authority': fromCwd(flags.certificateAuthority, machine),
          'certificate-authority-data': undefined,
        }
      : {}),
  }
}

const userWith = (flags: ConnectionFlags, entry: UserEntry, machine: Workstation): UserEntry => ({
  ...entry,
  ...(flags.clientCertificate ? { 'client-certificate': fromCwd(flags.clientCertificate, machine), 'client-certificate-data': undefined } : {}),
  ...(flags.clientKey ? { 'client-key': fromCwd(flags.clientKey, machine), 'client-key-data': undefined } : {}),
  // kubectl lets a tokenFile of the entry outlive --token; what the operator types must win.
  ...(flags.token ? { token: flags.token, tokenFile: '' } : {}),
  as: flags.as || entry.as,
  'as-uid': flags.asUid || entry['as-uid'],
  'as-groups': flags.asGroup?.length ? [...flags.asGroup] : entry['as-groups'],
  'as-user-extra': { ...entry['as-user-extra'], ...extraOf(flags.asUserExtra ?? []) },
})

const kubectlFlags = (flags: ConnectionFlags, context: string): string =>
  [
    ['--kubeconfig', flags.kubeconfig],
    ['--context', context],
    ['--cluster', flags.cluster],
    ['--user', flags.user],
    ['--server', flags.server],
    ['--as', flags.as],
    ...(flags.asGroup ?? []).map((group) => ['--as-group', group]),
  ]
    .flatMap(([flag, value]) => (value ? [`${flag} ${/^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`}`] : []))
    .join(' ')

const extraOf = (pairs: readonly string[]): Record<string, string[]> => {
  const extra: Record<string, string[]> = {}
  for (const [, key = '', value = ''] of pairs.flatMap((pair) => [/^([^=]*)=(.*)$/s.exec(pair) ?? []])) {
    if (key !== '') extra[key] = [...(extra[key] ?? []), value]
  }
  return extra
}

const fromCwd = (path: string | undefined, machine: Workstation): string => (path ? pathsOf(machine).resolve(machine.cwd, path) : '')

/** A server without scheme is plain http to kubectl, for it decides before it has read the trust (client-go rest `DefaultServerURL`). */
const serverUrl = (text: string, clusterName: string): URL => {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    const quoted = text.includes('@') ? '' : ` "${text}"`
    throw new FwError('FW_KUBECONFIG', `the server${quoted} of cluster "${clusterName}" is not a URL`, { fix: 'write https://HOST:PORT' })
  }
  if (url.username !== '' || url.password !== '') {
    throw new FwError('FW_KUBECONFIG', `the server of cluster "${clusterName}" has a user or password in its URL`, {
      why: 'a URL is shown, and stands in checkpoints',
      fix: 'write https://HOST:PORT, and the credentials into the user entry of the kubeconfig',
    })
  }
  url.search = ''
  url.hash = ''
  return url
}

const filesOf = ({ files }: LoadedKubeconfig): string => (files.length === 0 ? 'no kubeconfig' : files.join(', '))

const noServer = (loaded: LoadedKubeconfig, context: string, cluster: string): FwError => {
  const fix = 'name a cluster: --context NAME, --kubeconfig FILE or KUBECONFIG=FILE, or --server https://HOST:PORT'
  if (loaded.files.length === 0)
    return new FwError('FW_KUBECONFIG', 'no kubeconfig was found', { why: `not there: ${loaded.missing.join(', ')}`, fix })
  if (context === '' && cluster === '') {
    const known = [...loaded.contexts.keys()].map((name) => `"${name}"`).join(', ')
    return new FwError('FW_KUBECONFIG', 'no context is chosen', {
      why: `${filesOf(loaded)} sets no current-context${known === '' ? '' : `; it defines ${known}`}`,
      fix,
    })
  }
  return new FwError('FW_KUBECONFIG', `no server is known for the cluster "${cluster}"`, {
    why: `the context "${context}" names it; ${filesOf(loaded)} gives it no server`,
    fix,
  })
}
