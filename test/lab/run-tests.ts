import { parseArgs } from 'node:util'
import { type Binaries, findBinaries, hasRole } from './binaries.ts'
import { more, pairwise, product } from './cells.ts'
import { down, type Lab, openLab } from './lab.ts'
import { type LabTest, type Need, resetCalico } from './lab-test.ts'
import { requireMachine } from './machine/requirements.ts'
import { defaultDir, stateDir } from './machine/state.ts'
import { type Variant, variantName } from './options.ts'
import { builtControlPlane, namespacePrefix } from './place.ts'
import { suite } from './suite.ts'
import { up } from './up.ts'

const say = (line: string) => process.stdout.write(`${line}\n`)
const state = stateDir(defaultDir(process.env))
const count = { passed: 0, failed: 0, skipped: 0 }

const lacks = (binaries: Binaries, need: Need): string | undefined => {
  if (need === 'felix' && (binaries.felix === undefined || binaries.crds === undefined)) return 'no CALICO_FELIX or CALICO_CRDS'
  if (need === 'kubelet' && !hasRole(binaries, 'fake-kubelet')) return 'no fake-kubelet'
  return undefined
}

const cellLacks = (variant: Variant, binaries: Binaries): string | undefined =>
  variant.flavour === 'aggregated' && binaries.calicoApiserver === undefined ? 'no CALICO_APISERVER' : undefined

const runOne = async (lab: Lab, test: LabTest): Promise<void> => {
  const began = performance.now()
  const seconds = () => `${((performance.now() - began) / 1000).toFixed(1)} s`
  try {
    await test.run(lab, (line) => say(`    ${line}`))
    count.passed++
    say(`  ok    ${test.name} (${seconds()})`)
  } catch (error) {
    count.failed++
    say(`  FAIL  ${test.name} (${seconds()})\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  } finally {
    await resetCalico(lab)
  }
}

/** Whether a test belongs to a cell; those of the whole product of variants have every test that makes sense there. */
const isMeantFor =
  (variant: Variant, everywhere: boolean) =>
  ({ shapes = ['home'], cells, sampled }: LabTest): boolean =>
    shapes.includes(variant.shape) &&
    [cells, everywhere ? undefined : sampled].every((names) => names === undefined || names.some((name) => variantName(variant).endsWith(name)))

const runCell = async (variant: Variant, binaries: Binaries, wanted: readonly LabTest[]): Promise<void> => {
  say(variantName(variant))
  const runnable = wanted.filter((test) => {
    const why = cellLacks(variant, binaries) ?? test.needs.map((need) => lacks(binaries, need)).find((reason) => reason !== undefined)
    if (why === undefined) return true
    count.skipped++
    say(`  skip  ${test.name}: ${why}`)
    return false
  })
  if (runnable.length === 0) return
  const began = performance.now()
  try {
    const lab = await up(state, variant, binaries, namespacePrefix(process.env))
    say(`  up in ${((performance.now() - began) / 1000).toFixed(1)} s`)
    for (const test of runnable) await runOne(lab, test)
    lab.api.close()
  } catch (error) {
    count.failed += runnable.length
    say(`  FAIL  the lab does not come up: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    await down(state)
  }
}

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    cell: { type: 'string', multiple: true },
    only: { type: 'string' },
    /** On the lab that is up, and leave it up. */
    here: { type: 'boolean', default: false },
    /** Every variant, and in each every test. */
    all: { type: 'boolean', default: false },
  },
})
requireMachine(process.platform, process.getuid?.())
const binaries = findBinaries(process.env, builtControlPlane(process.env))
const wanted = suite.filter((test) => values.only === undefined || test.name.includes(values.only))
const here = async (): Promise<void> => {
  const lab = openLab(state)
  for (const test of wanted.filter(isMeantFor(lab.variant, true))) await runOne(lab, test)
  lab.api.close()
}
const everywhere = async (): Promise<void> => {
  const variants = values.all ? [...product, ...pairwise.filter(({ shape }) => shape !== 'home'), ...more] : pairwise
  for (const variant of variants.filter((one) => values.cell === undefined || values.cell.some((name) => variantName(one).includes(name))))
    await runCell(variant, binaries, wanted.filter(isMeantFor(variant, values.all)))
}
await (values.here ? here() : everywhere())
say(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
process.exit(count.failed === 0 ? 0 : 1)
