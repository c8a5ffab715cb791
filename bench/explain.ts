// `explain` offline as a whole process: the built program, without src/ beside it, so that nothing is bundled on the way.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatFacts } from '../src/discovery/facts-file.ts'
import { bigFacts } from '../test/fixtures/big-facts.ts'
import { homeFacts } from '../test/fixtures/home-facts.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'calico-fw-bench-'))
const median = (argv: readonly string[]): number => {
  const times = Array.from({ length: 11 }, () => {
    const from = performance.now()
    const { status, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    return performance.now() - from
  })
  return times.sort((one, other) => one - other)[5] ?? 0
}
try {
  spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: 'inherit' })
  for (const name of ['bin', 'dist', 'package.json']) cpSync(join(root, name), join(folder, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const facts = { home: join(folder, 'home.json'), big: join(folder, 'big.json') }
  writeFileSync(facts.home, formatFacts(homeFacts()))
  writeFileSync(facts.big, formatFacts(bigFacts({ nodes: 5_000, kinds: 4, policies: 300, services: 2_000 })))
  const program = join(folder, 'bin/kubectl-calico_fw.js')
  const home = median([program, 'explain', '192.168.218.53', 'ws1:10250/tcp', '--facts', facts.home])
  const big = median([program, 'explain', '192.0.2.7', 'node00007:10250/tcp', '--facts', facts.big])
  const nothing = median(['-e', '0'])
  const whole = (value: number) => `${Math.round(value)} ms`
  process.stdout.write(
    `explain from saved facts, whole process, median of 11: ${whole(home)} (bar 200 ms); of a cluster of 5,000 nodes ${whole(big)}; a Node.js that does nothing ${whole(nothing)}\n`,
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
