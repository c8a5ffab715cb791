import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Binaries, findBinaries, hasRole } from './binaries.ts'
import { more, pairwise, product } from './cells.ts'
import { down, type Lab, openLab } from './lab.ts'
import { type LabTest, type Need, resetCalico } from './lab-test.ts'
import { requireMachine } from './machine/requirements.ts'
import { defaultDir, type StateDir, stateDir } from './machine/state.ts'
import { type Variant, variantName } from './options.ts'
import { builtControlPlane, namespacePrefix } from './place.ts'
import { suite } from './suite.ts'
import { up } from './up.ts'

type Say = (line: string) => void

/** Where one lab after another stands: two lanes side by side fill the time each spends waiting. */
interface Lane {
  readonly state: StateDir
  readonly prefix: string
}

interface Count {
  readonly cell: string
  passed: number
  failed: number
  skipped: number
  seconds: number
}

/** Nothing a test waits for takes longer, in milliseconds. */
const patienceMs = 300_000

const print: Say = (line) => process.stdout.write(`${line}\n`)
const since = (began: number): number => (performance.now() - began) / 1000

const lacks = (binaries: Binaries, need: Need): string | undefined => {
  if (need === 'felix' && (binaries.felix === undefined || binaries.crds === undefined)) return 'no CALICO_FELIX or CALICO_CRDS'
  if (need === 'kube-controllers' && binaries.kubeControllers === undefined) return 'no CALICO_KUBE_CONTROLLERS'
  if (need === 'kubelet' && !hasRole(binaries, 'fake-kubelet')) return 'no fake-kubelet'
  return undefined
}

const cellLacks = ({ flavour, typha }: Variant, binaries: Binaries): string | undefined => {
  if (flavour === 'aggregated' && binaries.calicoApiserver === undefined) return 'no CALICO_APISERVER'
  return typha === true && binaries.typha === undefined ? 'no CALICO_TYPHA' : undefined
}

const inTime = async (work: Promise<void>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${patienceMs / 1000} s`)), patienceMs)
  })
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

const runOne = async (lab: Lab, test: LabTest, count: Count, say: Say): Promise<void> => {
  const began = performance.now()
  try {
    await inTime(test.run(lab, (line) => say(`    ${line}`)).then(() => resetCalico(lab)))
    count.passed++
    say(`  ok    ${test.name} (${since(began).toFixed(1)} s)`)
  } catch (error) {
    count.failed++
    say(`  FAIL  ${test.name} (${since(began).toFixed(1)} s)\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    await resetCalico(lab).catch((left: unknown) => say(`        and it leaves something behind: ${String(left)}`))
  }
}

/** Whether a test belongs to a cell; those of the whole product of variants have every test that makes sense there. */
const isMeantFor =
  (variant: Variant, everywhere: boolean) =>
  ({ shapes = ['home'], cells, sampled }: LabTest): boolean =>
    shapes.includes(variant.shape) &&
    [cells, everywhere ? undefined : sampled].every((names) => names === undefined || names.some((name) => variantName(variant).endsWith(name)))

const runCell = async (lane: Lane, variant: Variant, binaries: Binaries, wanted: readonly LabTest[], say: Say): Promise<Count> => {
  const cell = variantName(variant)
  const count: Count = { cell, passed: 0, failed: 0, skipped: 0, seconds: 0 }
  const began = performance.now()
  say(cell)
  const runnable = wanted.filter((test) => {
    const why = cellLacks(variant, binaries) ?? test.needs.map((need) => lacks(binaries, need)).find((reason) => reason !== undefined)
    if (why === undefined) return true
    count.skipped++
    say(`  skip  ${test.name}: ${why}`)
    return false
  })
  if (runnable.length === 0) return count
  try {
    const lab = await up(lane.state, variant, binaries, lane.prefix)
    say(`  up in ${since(began).toFixed(1)} s`)
    for (const test of runnable) await runOne(lab, test, count, say)
    lab.api.close()
  } catch (error) {
    count.failed += runnable.length
    say(`  FAIL  the lab does not come up: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    await down(lane.state)
  }
  count.seconds = since(began)
  return count
}

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    cell: { type: 'string', multiple: true },
    /** Tests with this text in their names. */
    only: { type: 'string', multiple: true },
    /** On the lab that is up, and leave it up. */
    here: { type: 'boolean', default: false },
    /** Every variant, and in each every test. */
    all: { type: 'boolean', default: false },
    /** Labs side by side. */
    lanes: { type: 'string', default: '2' },
  },
})
const controlPlane = builtControlPlane(process.env)
if (!process.env['LAB_CONTROL_PLANE'] && !existsSync(controlPlane)) {
  // Nobody asked for a control plane and none was built: nothing can run, and that is said by count.
  const without = pairwise.reduce((sum, variant) => sum + suite.filter(isMeantFor(variant, false)).length, 0)
  print(`no control plane in ${controlPlane}: "npm run lab -- build" makes one (needs Go); Felix comes by CALICO_FELIX`)
  print(`0 passed, 0 failed, ${without} skipped`)
  process.exit(0)
}
requireMachine(process.platform, process.getuid?.())
const binaries = findBinaries(process.env, controlPlane)
const wanted = suite.filter((test) => values.only === undefined || values.only.some((text) => test.name.includes(text)))
const lanes = Number(values.lanes)
const [dir, prefix] = [defaultDir(process.env), namespacePrefix(process.env)]

const here = async (): Promise<Count[]> => {
  const lab = openLab(stateDir(dir))
  const count: Count = { cell: variantName(lab.variant), passed: 0, failed: 0, skipped: 0, seconds: 0 }
  for (const test of wanted.filter(isMeantFor(lab.variant, true))) await runOne(lab, test, count, print)
  lab.api.close()
  return [count]
}

/** Every lane takes the next cell when it is done with one; a cell's lines come together, when it ends. */
const everywhere = async (): Promise<Count[]> => {
  const variants = values.all ? [...product, ...pairwise.filter(({ shape }) => shape !== 'home'), ...more] : pairwise
  const queue = variants.filter((one) => values.cell === undefined || values.cell.some((name) => variantName(one).includes(name)))
  const counts: Count[] = []
  const lane = async (number: number): Promise<void> => {
    const own =
      number === 0 ? { state: stateDir(dir), prefix } : { state: stateDir(`${dir}-${number}`), prefix: `${prefix.replace(/-$/, '')}${number}-` }
    for (let variant = queue.shift(); variant !== undefined; variant = queue.shift()) {
      const lines: string[] = []
      const say: Say = lanes === 1 ? print : (line) => lines.push(line)
      counts.push(await runCell(own, variant, binaries, wanted.filter(isMeantFor(variant, values.all)), say))
      if (lines.length > 0) print(lines.join('\n'))
    }
  }
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)))
  return counts
}

const began = performance.now()
const counts = await (values.here ? here() : everywhere())
const total = (key: 'passed' | 'failed' | 'skipped'): number => counts.reduce((sum, count) => sum + count[key], 0)
print(`\n${'CELL'.padEnd(36)}PASSED  FAILED  SKIPPED  SECONDS`)
for (const { cell, passed, failed, skipped, seconds } of counts.sort((one, other) => one.cell.localeCompare(other.cell)))
  print(`${cell.padEnd(36)}${`${passed}`.padStart(6)}${`${failed}`.padStart(8)}${`${skipped}`.padStart(9)}${seconds.toFixed(0).padStart(9)}`)
print(`${(since(began) / 60).toFixed(1)} minutes`)
print(`${total('passed')} passed, ${total('failed')} failed, ${total('skipped')} skipped`)
process.exit(total('failed') === 0 ? 0 : 1)
