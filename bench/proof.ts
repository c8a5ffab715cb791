// The proof: the home cluster, 5,000 nodes, and how its cost grows. Each is measured in a process of its own, for its memory and its first run.
// Times are the process's CPU time, compiler and collector included: the proof waits for nothing, and what else the machine does is not in it.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { makePlan } from '../src/firewall/plan/plan-maker.ts'
import { castOf } from '../src/proof/cast.ts'
import { changeOf } from '../src/proof/change.ts'
import { provePlan } from '../src/proof/prove-plan.ts'
import { bigFacts, bigFirewall } from '../test/fixtures/big-facts.ts'
import { homeFacts } from '../test/fixtures/home-facts.ts'
import { homePlan } from '../test/proof/home-plan.ts'

const timed = <T>(work: () => T): { readonly ms: number; readonly value: T } => {
  const before = process.cpuUsage()
  const value = work()
  const { user, system } = process.cpuUsage(before)
  return { ms: (user + system) / 1000, value }
}
const megabytes = (): number => Math.round(process.resourceUsage().maxRSS / 1024)

/** What a child process measures. */
type Figures = Readonly<Record<string, number>>

const ofHome = (): Figures => {
  const facts = homeFacts()
  const plan = homePlan(facts)
  const { ms: firstMs, value } = timed(() => provePlan({ facts, plan }))
  const again = Array.from({ length: 15 }, () => timed(() => provePlan({ facts, plan })).ms).sort((one, other) => one - other)
  return { firstMs, medianMs: again[7] ?? 0, checked: value.checked, ...value.scope }
}

const ofBig = ([nodes = 0, kinds = 0, policies = 0, services = 0]: readonly number[]): Figures => {
  const size = { nodes, kinds, policies, services }
  const facts = bigFacts(size)
  const { ms: planMs, value: plan } = timed(() => makePlan({ firewall: bigFirewall(size), facts, change: 1, windowSeconds: 90 }))
  const { ms: proofMs, value: proof } = timed(() => provePlan({ facts, plan }))
  const { ms: chooseMs } = timed(() => castOf(facts, changeOf(plan)))
  return { planMs, chooseMs, proofMs, megabytes: megabytes(), checked: proof.checked, ...proof.scope }
}

const inChild = (...argv: readonly string[]): Figures => {
  const runner = fileURLToPath(new URL('../scripts/run-ts.mjs', import.meta.url))
  const { status, stdout, stderr } = spawnSync(process.execPath, [runner, fileURLToPath(import.meta.url), ...argv], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as Figures
}

const whole = (value: number | undefined): string => Math.round(value ?? 0).toLocaleString('en')
const print = (rows: readonly (readonly string[])[]): void => {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((cells) => cells[at]?.length ?? 0)))
  for (const cells of rows) process.stdout.write(`${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')}\n`)
  process.stdout.write('\n')
}
const curve = (title: string, sizes: readonly (readonly [number, number])[]): void => {
  const head = ['nodes', 'kinds of workers', 'verdicts', 'choosing nodes, ms', 'asking, ms', 'MB']
  const rows = sizes.map(([nodes, kinds]) => {
    const { proofMs = 0, chooseMs = 0, checked, megabytes: memory } = inChild(`${nodes}`, `${kinds}`, '100', '500')
    return [nodes, kinds, checked, chooseMs, proofMs - chooseMs, memory].map(whole)
  })
  process.stdout.write(`${title} (100 policies, 500 Services):\n`)
  print([head, ...rows])
}

const [what, ...sizes] = process.argv.slice(2)
if (what === undefined) {
  const home = inChild('home')
  const big = inChild('5000', '4', '300', '2000')
  print([
    ['', 'measured', 'bar'],
    ['home cluster, median of 15', `${whole(home['medianMs'])} ms`, '100 ms'],
    ['home cluster, the first in its process', `${whole(home['firstMs'])} ms`, '100 ms'],
    ['5,000 nodes, 300 policies, 2,000 Services', `${whole(big['proofMs'])} ms`, '5,000 ms'],
    ['the same with making the plan', `${whole((big['planMs'] ?? 0) + (big['proofMs'] ?? 0))} ms`, '5,000 ms'],
    ['the same, memory of the whole process', `${whole(big['megabytes'])} MB`, '300 MB'],
  ])
  curve(
    'By nodes',
    [1_000, 2_000, 5_000, 10_000].map((nodes) => [nodes, 4] as const),
  )
  curve(
    'By kinds',
    [1, 2, 4, 8, 16].map((kinds) => [2_000, kinds] as const),
  )
} else process.stdout.write(JSON.stringify(what === 'home' ? ofHome() : ofBig([what, ...sizes].map(Number))))
