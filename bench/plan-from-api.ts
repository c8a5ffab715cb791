/**
 * `plan`, whole: a process of its own reads clusters of several sizes over TLS on loopback from a simulator in this one, makes the plan, proves it and prints it.
 * CALICO_FW_BINARY names the single file; without it the checkout's own program is measured.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { KubeObject } from '../src/calico/object.ts'
import { homeCluster } from '../src/simulator/seed/home-cluster.ts'
import { calicoNodePod, nodeObject } from '../src/simulator/seed/node-objects.ts'
import { startSimulator } from '../src/simulator/simulator.ts'
import { realClock } from '../test/fixtures/real-time.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const own = process.env['CALICO_FW_BINARY']
const tool = own === undefined ? [process.execPath, join(root, 'bin/kubectl-calico_fw.js')] : [own]
const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [5, 1_000, 5_000]

const seedOf = (count: number) => {
  const home = homeCluster({ nodes: 3 })
  const others = Array.from({ length: count - 3 }, (_, at) => ({
    ...{ short: `w${at}`, address: `10.20.${at >> 8}.${at & 255}`, controlPlane: false, podCidr: `10.${64 + (at >> 8)}.${at & 255}.0/24` },
  }))
  const objects = (time: string): readonly KubeObject[] => [
    ...home.objects(time),
    ...others.flatMap((one) => [nodeObject(one, time), calicoNodePod(one, [], time)]),
  ]
  return { ...home, objects }
}

/** How long a command took, its largest resident memory in MB, and how it ended. */
const timed = (argv: readonly string[], home: string): Promise<{ ms: number; mb: number; code: number | null; said: string }> =>
  new Promise((resolve) => {
    const began = performance.now()
    const [program = '', ...rest] = [...tool, ...argv]
    const child = spawn(program, rest, {
      env: { PATH: process.env['PATH'], HOME: '/nonexistent', XDG_STATE_HOME: home },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let [said, mb] = ['', 0]
    child.stderr.on('data', (chunk) => {
      said += chunk
    })
    const look = setInterval(() => {
      try {
        mb = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
      } catch {
        // It has ended.
      }
    }, 20)
    child.on('close', (code) => {
      clearInterval(look)
      resolve({ ms: performance.now() - began, mb, code, said })
    })
  })

for (const size of sizes) {
  const folder = mkdtempSync(join(tmpdir(), 'calico-fw-bench-'))
  const simulator = await startSimulator({ clock: realClock, seed: seedOf(size) })
  try {
    writeFileSync(join(folder, 'kubeconfig'), simulator.kubeconfig({ server: 'loopback' }))
    const accept = ['operator-address', 'host-input-rules', 'interfaces'].flatMap((kind) => ['--accept-unseen', kind])
    // Pods of so many nodes do not fit into the example's network.
    const file = join(folder, 'firewall.yaml')
    writeFileSync(
      file,
      readFileSync(join(root, 'examples/home.yaml'), 'utf8').replace('trustedNets: [10.233.0.0/16]', 'trustedNets: [10.64.0.0/10, 10.128.0.0/9]'),
    )
    const argv = ['plan', '-f', file, '--kubeconfig', join(folder, 'kubeconfig'), ...accept]
    const runs = []
    for (let round = 0; round < 3; round++) runs.push(await timed(argv, folder))
    const [worst] = runs.filter(({ code }) => code !== 1)
    if (worst !== undefined) throw new Error(`plan exits ${worst.code}: ${worst.said.slice(-600)}`)
    const best = runs.reduce((one, other) => (one.ms < other.ms ? one : other))
    process.stdout.write(
      `plan for ${size} nodes from the API: ${(best.ms / 1000).toFixed(2)} s best of 3, ${Math.max(...runs.map(({ mb }) => mb)).toFixed(0)} MB\n`,
    )
  } finally {
    await simulator.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
process.exit()
