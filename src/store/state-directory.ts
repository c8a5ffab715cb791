import { isAbsolute, join } from 'node:path'

/** The variables {@link stateDirectory} reads. */
export interface StateEnvironment {
  readonly XDG_STATE_HOME?: string | undefined
  readonly HOME?: string | undefined
  readonly LOCALAPPDATA?: string | undefined
  readonly USERPROFILE?: string | undefined
}

const folder = 'kubectl-calico-fw'

/**
 * Where this tool keeps its state: `$XDG_STATE_HOME/kubectl-calico-fw`, else `~/.local/state/kubectl-calico-fw`, on Windows `%LOCALAPPDATA%`.
 * A relative XDG_STATE_HOME is ignored, as the XDG base directory specification asks. Undefined where there is no home at all.
 */
export const stateDirectory = (env: StateEnvironment): string | undefined => {
  const given = [env.XDG_STATE_HOME, env.LOCALAPPDATA].find((path) => path !== undefined && isAbsolute(path))
  if (given !== undefined) return join(given, folder)
  const home = [env.HOME, env.USERPROFILE].find((path) => path !== undefined && isAbsolute(path))
  return home === undefined ? undefined : join(home, '.local', 'state', folder)
}
