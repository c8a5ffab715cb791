import type { PlatformPath } from 'node:path'
import * as v from 'valibot'
import { FwError } from '../../errors.ts'
import { readYaml } from '../../firewall/file/read-yaml.ts'
import { type ClusterEntry, type ContextEntry, kubeconfigSchema, type UserEntry } from './kubeconfig-schema.ts'

/** One kubeconfig, or several merged; every path in it is absolute. */
export interface Kubeconfig {
  readonly currentContext: string
  readonly clusters: ReadonlyMap<string, ClusterEntry>
  readonly users: ReadonlyMap<string, UserEntry>
  readonly contexts: ReadonlyMap<string, ContextEntry>
}

/**
 * Parses one kubeconfig as kubectl does: the first YAML document, the last of a repeated key, relative paths against the file's own folder
 * (client-go tools/clientcmd `ResolveLocalPaths`). `location` is absolute; `paths` are the path rules of the operator's machine.
 * @throws FwError FW_KUBECONFIG
 */
export const parseKubeconfig = (content: string, location: string, paths: PlatformPath): Kubeconfig => {
  const parsed = v.safeParse(kubeconfigSchema, firstDocument(content, location))
  if (!parsed.success) throw badFile(location, parsed.issues.map((issue) => `${v.getDotPath(issue) ?? 'the file'}: ${issue.message}`).join('; '))
  const { apiVersion, kind, clusters, users, contexts, ...rest } = parsed.output
  if (!['', 'Config'].includes(kind) || !['', 'v1'].includes(apiVersion)) {
    throw badFile(location, `it is a ${kind || 'Config'} of ${apiVersion || 'v1'}, not a Config of v1`)
  }
  const absolute = (path: string): string => (path === '' || paths.isAbsolute(path) ? path : paths.join(paths.dirname(location), path))
  // A plugin's command without a slash is looked up in PATH.
  const absoluteCommand = (command: string): string => (command.includes(paths.sep) ? absolute(command) : command)
  return {
    currentContext: rest['current-context'],
    contexts: byName(
      location,
      'context',
      contexts.map(({ name, context }) => [name, context]),
    ),
    clusters: byName(
      location,
      'cluster',
      clusters.map(({ name, cluster }) => [name, { ...cluster, 'certificate-authority': absolute(cluster['certificate-authority']) }]),
    ),
    users: byName(
      location,
      'user',
      users.map(({ name, user }) => [
        name,
        {
          ...user,
          'client-certificate': absolute(user['client-certificate']),
          'client-key': absolute(user['client-key']),
          tokenFile: absolute(user.tokenFile),
          exec: user.exec ? { ...user.exec, command: absoluteCommand(user.exec.command) } : null,
        },
      ]),
    ),
  }
}

/** The FW_KUBECONFIG error of a file that is there and no kubeconfig. */
export const badFile = (location: string, why: string): FwError =>
  new FwError('FW_KUBECONFIG', `kubeconfig ${location} cannot be read`, {
    why,
    fix: `mend it until this shows it: kubectl --kubeconfig ${location} config view`,
  })

const firstDocument = (content: string, location: string): unknown => {
  try {
    return readYaml(content, { merge: true, uniqueKeys: false })[0] ?? {}
  } catch (error) {
    throw badFile(location, error instanceof Error ? error.message : String(error))
  }
}

const byName = <Entry>(location: string, kind: string, entries: readonly (readonly [string, Entry])[]): ReadonlyMap<string, Entry> => {
  const found = new Map<string, Entry>()
  for (const [name, entry] of entries) {
    if (found.has(name)) throw badFile(location, `it defines the ${kind} "${name}" twice`)
    found.set(name, entry)
  }
  return found
}
