import { type PlatformPath, posix, win32 } from 'node:path'
import { FwError } from '../../errors.ts'
import type { Workstation } from '../workstation.ts'
import type { ConnectionFlags } from './connection-flags.ts'
import { badFile, type Kubeconfig, parseKubeconfig } from './kubeconfig-file.ts'

/** The kubeconfigs that apply, merged, and where they came from. */
export interface LoadedKubeconfig extends Kubeconfig {
  readonly files: readonly string[]
  /** Named in KUBECONFIG, and not there: kubectl ignores them. */
  readonly missing: readonly string[]
}

/**
 * Reads the kubeconfigs in kubectl's order: `--kubeconfig` alone, else the list in KUBECONFIG, else `~/.kube/config`. Of several, the first
 * to define a cluster, user, context or the current context wins, entry by entry (client-go tools/clientcmd/loader.go).
 * @throws FwError FW_KUBECONFIG
 */
export const loadKubeconfig = (flags: ConnectionFlags, machine: Workstation): LoadedKubeconfig => {
  const paths = pathsOf(machine)
  const candidates = candidateFiles(flags, machine, paths).map((file) => paths.resolve(machine.cwd, file))
  const read = candidates.map((file) => ({ file, content: contentOf(file, machine) }))
  const [first] = read
  if (flags.kubeconfig && first?.content === undefined) {
    throw new FwError('FW_KUBECONFIG', `kubeconfig ${first?.file ?? flags.kubeconfig} does not exist`, {
      fix: 'name one that exists: --kubeconfig FILE',
    })
  }
  const found = read.flatMap(({ file, content }) => (content === undefined ? [] : [{ file, kubeconfig: parseKubeconfig(content, file, paths) }]))
  return {
    ...mergeKubeconfigs(found.map(({ kubeconfig }) => kubeconfig)),
    files: found.map(({ file }) => file),
    missing: read.flatMap(({ file, content }) => (content === undefined ? [file] : [])),
  }
}

/** The path rules of the operator's machine. */
export const pathsOf = (machine: Workstation): PlatformPath => (machine.platform === 'win32' ? win32 : posix)

/** First definition wins, for every name and for the current context. */
const mergeKubeconfigs = (kubeconfigs: readonly Kubeconfig[]): Kubeconfig => {
  const firstWins = <Entry>(maps: readonly ReadonlyMap<string, Entry>[]): ReadonlyMap<string, Entry> =>
    new Map(maps.toReversed().flatMap((map) => [...map]))
  return {
    currentContext: kubeconfigs.find(({ currentContext }) => currentContext !== '')?.currentContext ?? '',
    clusters: firstWins(kubeconfigs.map(({ clusters }) => clusters)),
    users: firstWins(kubeconfigs.map(({ users }) => users)),
    contexts: firstWins(kubeconfigs.map(({ contexts }) => contexts)),
  }
}

const candidateFiles = (flags: ConnectionFlags, machine: Workstation, paths: PlatformPath): string[] => {
  if (flags.kubeconfig) return [flags.kubeconfig]
  const list = machine.env.KUBECONFIG
  if (!list) return [paths.join(machine.home, '.kube', 'config')]
  // Go's filepath.SplitList: empty entries are skipped, and Windows allows quotes around one.
  const entries = list.split(paths.delimiter).map((entry) => (machine.platform === 'win32' ? entry.replaceAll('"', '') : entry))
  return [...new Set(entries.filter((entry) => entry !== ''))]
}

const contentOf = (file: string, machine: Workstation): string | undefined => {
  try {
    return machine.readFile(file).toString('utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw badFile(file, error instanceof Error ? error.message : String(error))
  }
}
