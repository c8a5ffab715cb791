import { readFileSync } from 'node:fs'

/** The operator's machine as connecting to a cluster needs it. */
export interface Workstation {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly platform: NodeJS.Platform
  /** The home directory; empty when there is none. */
  readonly home: string
  /** The working directory, absolute. */
  readonly cwd: string
  /** A whole file. Throws as node:fs does; ENOENT means it is not there. */
  readonly readFile: (path: string) => Buffer
  /** Milliseconds since 1970: credentials expire by the calendar. */
  readonly now: () => number
  /** File descriptors a credential plugin may inherit, and whether the first is a terminal. */
  readonly terminal: { readonly stdin: number; readonly stderr: number; readonly isTerminal: boolean }
}

/** The machine a process runs on. kubectl reads HOME on Unix, and HOME, HOMEDRIVE+HOMEPATH or USERPROFILE on Windows (client-go util/homedir). */
export const workstationOf = (
  program: Pick<NodeJS.Process, 'env' | 'platform' | 'cwd'> & { readonly stdin: { readonly isTTY?: boolean } },
  now: () => number,
): Workstation => ({
  env: program.env,
  platform: program.platform,
  home: program.platform === 'win32' ? windowsHome(program.env) : (program.env.HOME ?? ''),
  cwd: program.cwd(),
  readFile: (path) => readFileSync(path),
  now,
  terminal: { stdin: 0, stderr: 2, isTerminal: program.stdin.isTTY === true },
})

const windowsHome = (env: NodeJS.ProcessEnv): string => {
  const candidates = [env.HOME, `${env.HOMEDRIVE ?? ''}${env.HOMEPATH ?? ''}`, env.USERPROFILE].filter((path) => path !== undefined && path !== '')
  return candidates.find((path) => isReadable(`${path}\\.kube\\config`)) ?? env.USERPROFILE ?? candidates[0] ?? ''
}

const isReadable = (path: string): boolean => {
  try {
    readFileSync(path)
    return true
  } catch {
    return false
  }
}
