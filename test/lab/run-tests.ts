import { parseArgs } from 'node:util'
import { type Binaries, findBinaries, hasRole } from './binaries.ts'
import { tests as byHand } from './by-hand.lab.ts'
import { tests as contract } from './contract.lab.ts'
import { tests as failsafes } from './failsafes.lab.ts'
import { tests as failures } from './failures.lab.ts'
import { tests as gate } from './gate.lab.ts'
import { tests as home } from './home.lab.ts'
import { tests as hostile } from './hostile.lab.ts'
import { tests as ipv6 } from './ipv6.lab.ts'
import { down, type Lab, openLab } from './lab.ts'
import { type LabTest, type Need, resetCalico } from './lab-test.ts'
import { tests as loopback } from './loopback.lab.ts'
import { requireMachine } from './machine/requirements.ts'
import { defaultDir, stateDir } from './machine/state.ts'
import { tests as nodesService } from './nodes-service.lab.ts'
import { defaultVariant, type Variant, variantName } from './options.ts'
import { builtControlPlane, namespacePrefix } from './place.ts'
import { tests as traps } from './traps.lab.ts'
import { tests as tutorial } from './tutorial.lab.ts'
import { up } from './up.ts'

const tests: readonly LabTest[] = [
  ...failures,
  ...tutorial,
  ...home,
  ...gate,
  ...traps,
  ...loopback,
  ...hostile,
  ...failsafes,
  ...nodesService,
  ...byHand,
  ...ipv6,
  ...contract,
]

const cell = (proxy: Variant['proxy'], felix: Variant['felix'], flavour: Variant['flavour']): Variant => ({
  ...defaultVariant,
  proxy,
  felix,
  flavour,
})

/** Every pair of kube-proxy mode, Felix dataplane and Calico flavour meets in one of these. */
const pairwise: readonly Variant[] = [
  cell('iptables', 'legacy', 'native'),
  cell('nftables', 'nft', 'native'),
  cell('nftables', 'native', 'native'),
  cell('nftables', 'legacy', 'aggregated'),
  cell('iptables', 'nft', 'aggregated'),
  cell('iptables', 'native', 'aggregated'),
  cell('iptables', 'legacy', 'storage'),
  cell('nftables', 'nft', 'storage'),
  cell('nftables', 'native', 'storage'),
]

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

const isMeantFor =
  (variant: Variant) =>
  ({ cells }: LabTest): boolean =>
    cells === undefined || cells.some((name) => variantName(variant).endsWith(name))

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
  options: { cell: { type: 'string', multiple: true }, only: { type: 'string' }, here: { type: 'boolean', default: false } },
})
requireMachine(process.platform, process.getuid?.())
const binaries = findBinaries(process.env, builtControlPlane(process.env))
const wanted = tests.filter((test) => values.only === undefined || test.name.includes(values.only))
if (values.here) {
  const lab = openLab(state)
  for (const test of wanted.filter(isMeantFor(lab.variant))) await runOne(lab, test)
  lab.api.close()
} else
  for (const variant of pairwise.filter((one) => values.cell === undefined || values.cell.some((name) => variantName(one).includes(name))))
    await runCell(variant, binaries, wanted)
say(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
process.exit(count.failed === 0 ? 0 : 1)
