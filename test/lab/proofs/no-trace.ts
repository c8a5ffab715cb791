import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { Lab } from '../lab.ts'
import { until } from '../machine/run.ts'
import { inBrief } from './home-answers.ts'
import type { Page } from './page.ts'

/** What a node runs and holds: its programs with their words, its pods, and its TCP sockets that listen or are open. */
type Trace = ReadonlyMap<string, readonly string[]>

const traceOf = async (lab: Lab): Promise<Trace> => {
  const trace = new Map<string, string[]>()
  for (const { name } of lab.layout.nodes) {
    const namespace = readlinkSync(`/proc/${lab.sandbox(name).anchor.pid}/ns/mnt`)
    trace.set(`processes of ${name}`, processesIn(namespace))
    const { stdout } = await lab.exec(name, ['ss', '-Htnl'])
    trace.set(
      `listeners of ${name}`,
      stdout
        .split('\n')
        .flatMap((line) => line.trim().split(/\s+/)[3] ?? [])
        .sort(),
    )
  }
  const pods = (await lab.api.request('GET', '/api/v1/pods')).body as { items: { metadata: { namespace: string; name: string } }[] }
  trace.set('pods', pods.items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).sort())
  return trace
}

/** By the mount namespace, which a node's programs share and nobody else has. */
const processesIn = (namespace: string): string[] =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        if (readlinkSync(`/proc/${pid}/ns/mnt`) !== namespace) return []
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim().slice(0, 80)]
      } catch {
        // It has ended meanwhile.
        return []
      }
    })
    // Felix and kube-proxy run short helpers of their own.
    .filter((words) => words !== '' && !/^(\/\S+\/)?(ip6?tables|ipset|nft|conntrack|sleep|tc|modprobe)/.test(words))
    .sort()

/** Does something, and holds every node to have the same programs, listeners and pods after it, within ten seconds. */
export const leavingNoTrace = async <T>(lab: Lab, page: Page, work: () => Promise<T>): Promise<T> => {
  const before = await traceOf(lab)
  const result = await work()
  let more: string[] = []
  const clean = async () => {
    const after = await traceOf(lab)
    more = [...after].flatMap(([what, lines]) => lines.filter((line) => !before.get(what)?.includes(line)).map((line) => `${what}: ${line}`))
    return more.length === 0
  }
  const left = await until('nothing to be left', clean, 10_000, 500).then(
    () => [],
    () => more,
  )
  const count = [...before.values()].reduce((sum, lines) => sum + lines.length, 0)
  page.fact('no program, listener or pod is left on any node', left.length === 0, left.length === 0 ? `${count} compared` : inBrief(left))
  return result
}
