import type { Layout } from '../layout.ts'
import { inNamespace, ip } from './namespaces.ts'
import { killAll, membersOf, signal, threadStates } from './processes.ts'
import { pause, run, until } from './run.ts'
import { inSandbox, type Sandbox } from './sandbox.ts'
import type { RecordedProcess } from './state.ts'

/** Takes a failure away again. */
export type Heal = () => Promise<void>

/** What is broken when a failure is named: any recorded process by its name in the journal, any machine by its place. */
interface Victim {
  readonly layout: Layout
  process(name: string): RecordedProcess
}

/**
 * Stops a program where it stands: its sockets stay, nobody answers. Of Felix the rules stay too. Returns when each thread stands: the kernel
 * hands SIGSTOP to one of them, and until that one has had a processor the others still answer.
 */
export const freeze = async (lab: Victim, name: string): Promise<Heal> => {
  const frozen = lab.process(name)
  if (signal([frozen], 'SIGSTOP') === 0) throw new Error(`${name} does not run, so it cannot be frozen`)
  await until(
    `${name} to stand still`,
    async () => membersOf(frozen).every(({ pid }) => threadStates(pid).every((state) => state === 'T')),
    10_000,
    2,
  )
  return async () => void signal([frozen], 'SIGCONT')
}

/** Kills a program for good; its start function starts it anew. */
export const kill = (lab: Victim, name: string): Promise<void> => killAll([lab.process(name)])

/** Lets a program run only a part of the time: an overloaded machine. */
export const slowDown = async (lab: Victim, name: string, { runs, rests }: { readonly runs: number; readonly rests: number }): Promise<Heal> => {
  const slow = lab.process(name)
  let on = true
  const beat = async () => {
    while (on) {
      signal([slow], 'SIGSTOP')
      await pause(rests)
      signal([slow], 'SIGCONT')
      await pause(runs)
    }
  }
  const beating = beat()
  return async () => {
    on = false
    await beating
  }
}

/** Pulls a machine's cable out of the switch. */
export const unplug = async ({ layout }: Victim, place: string): Promise<Heal> => {
  const port = (state: 'up' | 'down') => ip(layout.switch, [`link set v-${place} ${state}`])
  await port('down')
  return () => port('up')
}

let cuts = 0

/** Cuts two addresses off from each other and from nobody else, at the switch, where neither of them sees why. */
export const partition = (lab: Victim, one: string, other: string): Promise<Heal> =>
  drop(lab, [`ip saddr ${one} ip daddr ${other} drop`, `ip saddr ${other} ip daddr ${one} drop`])

/** Cuts what one address sends to a TCP port of another, under way or new. */
export const cutPort = (lab: Victim, from: string, to: string, port: number): Promise<Heal> =>
  drop(lab, [`ip saddr ${from} ip daddr ${to} tcp dport ${port} drop`])

/** Loses a share of what one address sends another: 1 is everything. */
export const loseOneWay = (lab: Victim, from: string, to: string, share: number): Promise<Heal> =>
  drop(lab, [`ip saddr ${from} ip daddr ${to} numgen random mod 1000 < ${Math.round(share * 1000)} drop`])

/** Drops frames in the switch's bridge. */
const drop = async ({ layout }: Victim, rules: readonly string[]): Promise<Heal> => {
  const table = `cut${++cuts}`
  const nft = (script: string) => run(inNamespace(layout.switch, ['nft', '-f', '-']), { input: script })
  await nft(`table bridge ${table} {\n  chain cuts {\n    type filter hook forward priority 0;\n    ${rules.join('\n    ')}\n  }\n}\n`)
  return async () => void (await nft(`delete table bridge ${table}\n`))
}

/** Makes a machine's link slow in the direction towards it: so many kilobits a second, with a long queue. */
export const slowLink = async ({ layout }: Victim, place: string, kbit: number): Promise<Heal> => {
  const tc = (...args: string[]) => run(inNamespace(layout.switch, ['tc', 'qdisc', ...args]))
  const port = `v-${place}`
  await tc('add', 'dev', port, 'root', 'tbf', 'rate', `${kbit}kbit`, 'burst', '1600', 'latency', '3s')
  return async () => void (await tc('del', 'dev', port, 'root'))
}

/** Takes every packet rule of a node away under whoever keeps them. */
export const flushRules = async (sandbox: Sandbox): Promise<void> => {
  const flush = ['raw', 'mangle', 'nat', 'filter'].map((table) => `iptables -w -t ${table} -F`)
  await run(inSandbox(sandbox, ['bash', '-ec', flush.join('\n')]))
}
