/**
 * Half an hour of waiting armed, in real time: node --expose-gc scripts/run-ts.mjs test/evidence/armed-wait.ts [MINUTES]
 * The whole client over TLS against the simulator, both in this process: what grows in either would be seen. The simulator's log of
 * requests is emptied and its past revisions are forgotten each minute, as etcd's are.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { keys } from '../../src/calico/names.ts'
import { v3 } from '../../src/calico/resources.ts'
import type { CommandContext, Context, InputStream } from '../../src/commands/context.ts'
import { withCluster } from '../../src/commands/session.ts'
import { exitCodes } from '../../src/exit-codes.ts'
import { parseHostFirewall } from '../../src/firewall/file/firewall-file.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import { initSteps } from '../../src/rollout/init-steps.ts'
import type { Progress } from '../../src/rollout/ports.ts'
import { startRun } from '../../src/rollout/runner.ts'
import type { RunConfig } from '../../src/rollout/state.ts'
import { homeCluster } from '../../src/simulator/seed/home-cluster.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { realClock, until } from '../fixtures/real-time.ts'

const minutes = Number(process.argv[2] ?? '30')
const windowSeconds = 60
const pulseEveryMs = (windowSeconds * 1000) / 3
const operator = '192.168.218.170'
const root = fileURLToPath(new URL('../../', import.meta.url))
// The first error whose stack is read would unpack the source map of this whole bundle: 11 MiB that are nobody's leak.
process.setSourceMapsEnabled(false)
if (globalThis.gc === undefined) throw new Error('needs node --expose-gc')

const lines: string[] = []
const say = (line: string): void => {
  lines.push(line)
  process.stdout.write(`${line}\n`)
}
const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

const contextOn = (simulator: Simulator, state: string): Context => ({
  argv: ['init'],
  workstation: {
    env: { KUBECONFIG: '/kubeconfig', XDG_STATE_HOME: state },
    platform: 'linux',
    home: '/nonexistent',
    cwd: '/',
    readFile: () => Buffer.from(simulator.kubeconfig()),
    now: () => Date.now(),
    terminal: { stdin: 0, stderr: 2, isTerminal: false },
  },
  stdin: { isTTY: false } as InputStream,
  stdout: process.stdout,
  stderr: process.stderr,
  clock: realClock,
  openSocket: simulator.openSocket,
  pretendsNodes: true,
  lookup: () => Promise.resolve([]),
  network: { localAddressTo: () => Promise.resolve(operator), interfaces: () => ({ eth0: [{ address: operator }] }) },
  random: () => 'cafe',
  who: { user: 'tester', host: 'adm', pid: 1 },
  writeFile: () => Promise.resolve(),
  temporaryFolder: () => Promise.reject(new Error('not asked for')),
  onSignal: () => () => undefined,
})

/** Waits armed for as long as was asked, tells the heap meanwhile, and answers with "open". */
const wait = async (command: CommandContext, simulator: Simulator): Promise<boolean> => {
  const facts = await command.cluster.facts()
  const firewall = parseHostFirewall(readFileSync(join(root, 'examples/home.yaml'), 'utf8'), 'home.yaml')
  const plan = makePlan({ firewall, facts, change: 1, windowSeconds })
  const config: RunConfig = {
    ...{ change: 1, windowSeconds, openSet: plan.openSet, opened: false, isRollback: false },
    ...{ maxLagMs: 5_000, maxQuestionMs: (minutes + 5) * 60_000 },
  }
  const exporter = () => simulator.reach('inet', 'ws1', 9100)
  const pulses: number[] = []
  const heaps: number[] = []
  let asked = false
  let last = 0
  const report = (progress: Progress): void => {
    if (progress.kind === 'note' || progress.kind === 'undo') say(progress.kind === 'note' ? progress.text : `turns round: ${progress.reason.text}`)
    if (progress.kind !== 'deadline' || progress.opensInMs === undefined) return
    const now = realClock.now()
    // A pulse comes a third of the window after the one before has ended: what is above that is the pulse itself.
    if (asked && last > 0) pulses.push(now - last - pulseEveryMs)
    if (asked) last = now
  }
  const table = async (signal: AbortSignal): Promise<'open'> => {
    asked = true
    say(['minute', 'heap after gc', 'resident', 'pulses', 'ms a pulse (median, most)', 'exporter of ws1 from outside'].join(' | '))
    for (let minute = 0; minute <= minutes && !signal.aborted; minute++) {
      if (minute > 0) await realClock.sleep(60_000, signal)
      simulator.requests.length = 0
      simulator.objects.compact()
      if (minute % 3 !== 0) continue
      globalThis.gc?.()
      globalThis.gc?.()
      const { heapUsed, rss } = process.memoryUsage()
      heaps.push(heapUsed)
      const recent = pulses.slice(-9)
      const took = recent.length === 0 ? '-' : `${median(recent).toFixed(0)}, ${Math.max(...recent).toFixed(0)}`
      say([`${minute}`.padStart(2), mib(heapUsed), mib(rss), `${pulses.length}`, took, exporter()].join(' | '))
    }
    return 'open'
  }
  const before = exporter()
  const run = startRun(initSteps(plan), config, { facts, probes: plan.probes }, command.ports(facts, { report, ask: (_, signal) => table(signal) }))
  const outcome = await run.ended
  const left = simulator.objects.list(v3, 'HostEndpoint').filter(({ metadata }) => metadata.labels?.[keys.run] !== undefined).length
  const claims: [string, boolean][] = [
    [`closed all the while, and open again at the end (${before}, ${exporter()}); ${left} HostEndpoints left`, exporter() === before && left === 0],
    [
      `ended as answered: ${outcome.kind}, ${'reason' in outcome ? outcome.reason.kind : ''}`,
      'reason' in outcome && outcome.reason.kind === 'declined',
    ],
    // A pulse asks for a heartbeat newer than the closing of its node, and kubelets renew theirs every ten seconds.
    [
      `${pulses.length} pulses, each ${pulseEveryMs / 1000} s after the one before`,
      pulses.length >= (minutes * 60_000) / (pulseEveryMs + 12_000) - 2,
    ],
    // A program that has just run a rollout is still being compiled, and its caches fill: the second half tells whether it has come to rest.
    [
      `heap in the second half: ${mib(Math.min(...secondHalf(heaps)))} to ${mib(Math.max(...secondHalf(heaps)))}; at minute 3 ${mib(heaps[1] ?? 0)}, at the end ${mib(heaps.at(-1) ?? 0)}`,
      flat(heaps),
    ],
    [
      `a pulse in the first third takes ${median(third(pulses, 0)).toFixed(0)} ms, in the last ${median(third(pulses, 2)).toFixed(0)} ms`,
      steady(pulses),
    ],
  ]
  for (const [claim, holds] of claims) say(`${holds ? 'holds' : 'DOES NOT HOLD'}: ${claim}`)
  return claims.every(([, holds]) => holds)
}

const third = (values: readonly number[], which: 0 | 2): readonly number[] => {
  const size = Math.floor(values.length / 3)
  return values.slice(which * size, (which + 1) * size)
}
const secondHalf = (heaps: readonly number[]): readonly number[] => heaps.slice(Math.floor(heaps.length / 2))
/** Within half a MiB in the second half, and within 2 MiB from minute 3 to the end. */
const flat = (heaps: readonly number[]): boolean =>
  Math.max(...secondHalf(heaps)) - Math.min(...secondHalf(heaps)) < 2 ** 19 && (heaps.at(-1) ?? 0) - (heaps[1] ?? 0) < 2 ** 21
/** The last third is no slower than the first by more than a tenth and 20 ms. */
const steady = (pulses: readonly number[]): boolean => median(third(pulses, 2)) < median(third(pulses, 0)) * 1.1 + 20

const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
say(`${minutes} minutes of waiting armed: home cluster of five nodes, window ${windowSeconds} s, real time, TLS, client and simulator in one process`)
say(`Node.js ${process.version}, commit ${git('rev-parse', '--short', 'HEAD')}, ${new Date().toISOString().slice(0, 16)}Z\n`)
const simulator = await startSimulator({ clock: realClock, seed: homeCluster() })
const state = mkdtempSync(join(tmpdir(), 'calico-fw-evidence-'))
let good = false
try {
  await until('the NodePort of ws1 open', () => simulator.reach('win', 'ws1', 31_110) === 'OPEN')
  await withCluster(contextOn(simulator, state), {}, { format: 'text' }, async (command) => {
    good = await wait(command, simulator)
    return exitCodes.ok
  })
} finally {
  await simulator.close()
  rmSync(state, { recursive: true, force: true })
}
writeFileSync(new URL('./armed-wait.txt', import.meta.url), `${lines.join('\n')}\n`)
process.exit(good ? 0 : 1)
