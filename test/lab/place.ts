import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where `npm run lab -- build` puts the control plane: the user's cache. */
export const builtControlPlane = (env: Readonly<Record<string, string | undefined>>): string =>
  join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'calico-fw-lab', 'bin')

/** Prefix of the lab's network namespaces. */
export const namespacePrefix = (env: Readonly<Record<string, string | undefined>>): string => env['LAB_PREFIX'] || 'fw-'
