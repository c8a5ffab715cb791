#!/usr/bin/env node
// kubectl finds this file on PATH as `kubectl calico-fw`: dashes of a plugin's name are underscores in its file name.
import { existsSync } from 'node:fs'

// As `engines` in package.json: the prompts' library runs on no others.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const oldestMinor = { 20: 17, 22: 13, 23: 5 }[major] ?? (major > 23 ? 0 : Number.POSITIVE_INFINITY)
if (minor < oldestMinor) {
  process.stderr.write(
    `error: kubectl calico-fw needs Node.js 20.17, 22.13 or newer\nwhy: this is ${process.version}\nfix: install a current Node.js, or the single-file release, which brings its own\n`,
  )
  process.exit(2)
}

const here = new URL('.', import.meta.url)
// A published package has dist/ only; a checkout has src/ and builds itself, so that nobody runs yesterday's code.
if (existsSync(new URL('../src/main.ts', here))) {
  const { build } = await import('../scripts/build.mjs')
  await build()
}
await import('../dist/main.mjs')
