import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { isAlive, startRecorded } from './processes.ts'
import { until } from './run.ts'
import type { RecordedProcess, StateDir } from './state.ts'

/** Which iptables a node's programs find first on their PATH. */
export type Backend = 'legacy' | 'nft'

/** A node's own view of its machine: network, mounts and host name. */
export interface Sandbox {
  readonly namespace: string
  readonly anchor: RecordedProcess
  readonly path: string
}

const setup = `
set -e
hostname "$1"
# A copied mount of a network namespace would keep that namespace alive, whoever made it.
if mountpoint -q /run/netns; then umount --recursive --lazy /run/netns; fi
mount --bind "$2/run" /run; mkdir -p /run/calico/cgroup
mkdir -p /var/lib/calico /var/log/calico
mount --bind "$2/lib" /var/lib/calico
mount --bind "$2/log" /var/log/calico
mount -t sysfs sysfs /sys; mount -t bpf bpf /sys/fs/bpf; mount -t cgroup2 none /run/calico/cgroup
touch "$2/ready"
exec sleep infinity
`

/**
 * Makes a node: an anchor process holds its mount and UTS namespaces, and everything of the node enters them. /run is private because
 * two nodes that share /run/xtables.lock block each other.
 */
export const startSandbox = async (state: StateDir, node: string, namespace: string, hostname: string, backend: Backend): Promise<Sandbox> => {
  const root = state.at('node', node)
  for (const folder of ['run', 'lib', 'log']) mkdirSync(`${root}/${folder}`, { recursive: true })
  const enter = [
    'nsenter',
    `--net=/run/netns/${namespace}`,
    'unshare',
    '--mount',
    '--uts',
    '--propagation',
    'private',
    'bash',
    '-c',
    setup,
    'node',
    hostname,
    root,
  ]
  const anchor = startRecorded(state, `node-${node}`, enter)
  await until(
    `the sandbox of ${node}`,
    async () => {
      if (!isAlive(anchor)) throw new Error(`it ended; see ${state.at('log', `node-${node}.log`)}`)
      return existsSync(`${root}/ready`)
    },
    10_000,
    10,
  )
  return sandboxOf(state, namespace, anchor, backend)
}

/** The sandbox an anchor holds. */
export const sandboxOf = (state: StateDir, namespace: string, anchor: RecordedProcess, backend: Backend): Sandbox => ({
  namespace,
  anchor,
  path: `${backendDir(state, backend)}:/usr/sbin:/usr/bin:/sbin:/bin`,
})

/** A program's argv so that it runs on the node. */
export const inSandbox = (sandbox: Sandbox, argv: readonly string[]): string[] => [
  'nsenter',
  `--target=${sandbox.anchor.pid}`,
  '--net',
  '--mount',
  '--uts',
  'env',
  `PATH=${sandbox.path}`,
  ...argv,
]

/** A folder of links that makes `iptables` and its friends mean one backend; made once per lab. */
const backendDir = (state: StateDir, backend: Backend): string => {
  const folder = state.at('backend', backend)
  if (existsSync(folder)) return folder
  mkdirSync(folder)
  for (const family of ['iptables', 'ip6tables'])
    for (const suffix of ['', '-save', '-restore']) symlinkSync(`/usr/sbin/xtables-${backend}-multi`, `${folder}/${family}${suffix}`)
  return folder
}
