import { existsSync } from 'node:fs'
import { killPids } from './processes.ts'
import { inParallel, run, tryRun } from './run.ts'
import type { StateDir } from './state.ts'

/** Makes a network namespace with loopback up; one of that name that is already there is somebody else's. */
export const addNamespace = async (state: StateDir, name: string): Promise<void> => {
  if (existsSync(`/run/netns/${name}`))
    throw new Error(`network namespace ${name} is already there and not this lab's: "ip netns del ${name}", or set LAB_PREFIX`)
  state.recordNamespace(name)
  await run(['ip', 'netns', 'add', name])
  await ip(name, ['link set lo up'])
}

/** Runs `ip` commands inside a namespace, all in one process. */
export const ip = async (namespace: string, commands: readonly string[]): Promise<void> => {
  await run(['ip', '-n', namespace, '-batch', '-'], { input: `${commands.join('\n')}\n` })
}

/** A program's argv so that it runs with the network of a namespace and all else as it is. */
export const inNamespace = (namespace: string, argv: readonly string[]): string[] => ['nsenter', `--net=/run/netns/${namespace}`, ...argv]

/** Sets sysctls inside a namespace. */
export const sysctl = async (namespace: string, settings: Readonly<Record<string, number>>): Promise<void> => {
  await run(inNamespace(namespace, ['sysctl', '-q', '-w', ...Object.entries(settings).map(([key, value]) => `${key}=${value}`)]))
}

/**
 * Deletes namespaces. Neighbour tables are flushed first: with proxy-ARP entries in them some kernels leak a reference and
 * "unregister_netdevice: waiting for ... to become free" for ever.
 */
export const deleteNamespaces = async (names: readonly string[]): Promise<void> => {
  const there = names.filter((name) => existsSync(`/run/netns/${name}`))
  await inParallel(4, there, async (name) => {
    const pids = (await tryRun(['ip', 'netns', 'pids', name])).stdout.split('\n').map(Number)
    killPids(pids.filter((pid) => pid > 1))
    await tryRun(['ip', '-n', name, 'neigh', 'flush', 'all'])
  })
  for (const name of there) await run(['ip', 'netns', 'del', name])
}
