/**
 * How long a command takes to start: the single file against kubectl and calicoctl, in turn; then `init --dry-run` on the demo cluster, in another process on loopback.
 * CALICO_FW_BINARY names the single file (npm run build:binary); without it the checkout's own program is measured. kubectl and calicoctl as for the lab.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { homeCluster } from '../src/simulator/seed/home-cluster.ts'
import { startSimulator } from '../src/simulator/simulator.ts'
import { realClock } from '../test/fixtures/real-time.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const rounds = 25
const own = process.env['CALICO_FW_BINARY']
const tool = own === undefined ? [process.execPath, join(root, 'bin/kubectl-calico_fw.js')] : [own]
const kubectl = process.env['LAB_CONTROL_PLANE'] === undefined ? undefined : join(process.env['LAB_CONTROL_PLANE'], 'kubectl')
const calicoctl = process.env['CALICOCTL']
const env = { PATH: process.env['PATH'], HOME: '/nonexistent' }

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

/** Milliseconds of each command, one after the other in every round, so that what disturbs one disturbs all. */
const inTurn = (commands: Readonly<Record<string, readonly string[]>>): Map<string, number> => {
  const times = new Map<string, number[]>()
  for (let round = -2; round < rounds; round++) {
    for (const [name, [program = '', ...rest]] of Object.entries(commands)) {
      const began = performance.now()
      // calicoctl without a cluster exits 1 and has told its version all the same.
      spawnSync(program, rest, { env, stdio: 'ignore' })
      if (round >= 0) times.set(name, [...(times.get(name) ?? []), performance.now() - began])
    }
  }
  return new Map([...times].map(([name, values]) => [name, median(values)]))
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)
say(`${own === undefined ? 'the checkout' : 'the single file'}; medians of ${rounds} rounds in turn, ${availableParallelism()} cores`)
const measured = inTurn({
  'kubectl-calico_fw --help': [...tool, '--help'],
  'kubectl-calico_fw version': [...tool, 'version'],
  'kubectl-calico_fw __complete roll': [...tool, '__complete', 'roll'],
  ...(kubectl === undefined ? {} : { 'kubectl version --client': [kubectl, 'version', '--client'] }),
  ...(calicoctl === undefined ? {} : { 'calicoctl version --client': [calicoctl, 'version', '--client'] }),
})
for (const [name, ms] of measured) {
  const ratios = ['kubectl version --client', 'calicoctl version --client'].flatMap((other) => {
    const base = measured.get(other)
    return base === undefined || !name.startsWith('kubectl-') ? [] : [`${(ms / base).toFixed(2)}x ${other.split(' ')[0]}`]
  })
  say(`  ${name}: ${ms.toFixed(0)} ms${ratios.length === 0 ? '' : `, ${ratios.join(', ')}`}`)
}

/** The demo cluster in this process, the command in another: neither waits for the other's thread. */
const dryRun = async (): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'calico-fw-bench-'))
  const simulator = await startSimulator({ clock: realClock, seed: homeCluster() })
  try {
    writeFileSync(join(folder, 'kubeconfig'), simulator.kubeconfig({ server: 'loopback' }))
    const argv = [
      'init',
      '--dry-run=client',
      '-f',
      join(root, 'examples/home.yaml'),
      '--kubeconfig',
      join(folder, 'kubeconfig'),
      '--accept-unseen',
      'operator-address',
      '--accept-unseen',
      'host-input-rules',
    ]
    const once = (): Promise<{ ms: number; code: number | null; said: string }> =>
      new Promise((resolve) => {
        const began = performance.now()
        const [program = '', ...rest] = [...tool, ...argv]
        const child = spawn(program, rest, { env: { ...env, XDG_STATE_HOME: folder }, stdio: ['ignore', 'ignore', 'pipe'] })
        let said = ''
        child.stderr.on('data', (chunk) => {
          said += chunk
        })
        child.on('close', (code) => resolve({ ms: performance.now() - began, code, said }))
      })
    const times: number[] = []
    for (let round = -1; round < rounds; round++) {
      const { ms, code, said } = await once()
      if (code !== 0) throw new Error(`init --dry-run exits ${code}: ${said}`)
      if (round >= 0) times.push(ms)
    }
    say(
      `  init --dry-run=client on the demo cluster of five nodes, over TLS: ${median(times).toFixed(0)} ms (bar 400), fastest ${Math.min(...times).toFixed(0)} ms`,
    )
  } finally {
    await simulator.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
await dryRun()
process.exit()
