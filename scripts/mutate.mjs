// Breaks the model and the proof in many places, one at a time, in a copy of this checkout, and runs their tests each time: a change the tests do not
// notice survives, and fails this. `node scripts/mutate.mjs`, or with words: only mutations whose file or reason has one of them.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mutations } from './mutations.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const words = process.argv.slice(2)
const chosen = mutations.filter(({ file, why }) => words.length === 0 || words.some((word) => `${file} ${why}`.includes(word)))
const copy = mkdtempSync(join(tmpdir(), 'calico-fw-mutate-'))
for (const name of ['src', 'test', 'examples', 'package.json', 'tsconfig.json', 'vitest.config.ts'])
  cpSync(join(root, name), join(copy, name), { recursive: true })
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))

const run = (suite) => {
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin/vitest'), ['run', '--bail=1', '--testTimeout=300000', suite], {
    cwd: copy,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
  const output = `${stdout}${stderr}`
  return { failed: status !== 0, by: /FAIL +(.*)/.exec(output)?.[1] ?? '', output }
}

/** The tests of the file's own room first: most mutations end there. */
const noticed = (file) => {
  const suites = file.startsWith('src/proof/') ? ['test/proof', 'test/verdict'] : ['test/verdict', 'test/proof']
  const first = run(suites[0])
  return first.failed ? first : run(suites[1])
}

const bad = []
try {
  const { failed, output } = noticed('src/verdict/')
  if (failed) {
    process.stdout.write(`${output}\nThe tests fail without any mutation.\n`)
    process.exit(1)
  }
  for (const { file, find, replace, why } of chosen) {
    const path = join(copy, file)
    const text = readFileSync(path, 'utf8')
    const parts = text.split(find)
    const title = `${file}: ${why}`
    if (parts.length !== 2) {
      bad.push(title)
      process.stdout.write(`STALE    ${title}: what it changes stands ${parts.length - 1} times there\n`)
      continue
    }
    writeFileSync(path, parts.join(replace))
    const result = noticed(file)
    writeFileSync(path, text)
    if (!result.failed) bad.push(title)
    process.stdout.write(`${result.failed ? 'noticed ' : 'SURVIVED'} ${title}${result.by === '' ? '' : `\n           by ${result.by}`}\n`)
  }
} finally {
  rmSync(copy, { recursive: true, force: true })
}
process.stdout.write(`${chosen.length - bad.length} of ${chosen.length} mutations noticed\n`)
process.exitCode = bad.length === 0 ? 0 : 1
