// Runs every benchmark, or those named: npm run bench -- discovery
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const folder = join(here, '..', 'bench')
const named = process.argv.slice(2)
for (const file of readdirSync(folder)
  .filter((name) => name.endsWith('.ts'))
  .sort()) {
  if (named.length > 0 && !named.includes(file.replace(/\.ts$/, ''))) continue
  process.stdout.write(`\n${file}\n`)
  const { status } = spawnSync(process.execPath, [join(here, 'run-ts.mjs'), join(folder, file)], { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
