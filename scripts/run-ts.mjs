// Runs one TypeScript program: node scripts/run-ts.mjs FILE [ARGUMENT...]
// Node 20 cannot read TypeScript; the program is bundled (packages stay outside) into node_modules/.cache and imported from there.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const [file, ...rest] = process.argv.slice(2)
if (file === undefined) {
  process.stderr.write('usage: node scripts/run-ts.mjs FILE [ARGUMENT...]\n')
  process.exit(2)
}
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const entry = resolve(file)

/** In a bundle every module would see the bundle's own URL; a module that asks for its own folder means its source's. */
const ownUrl = {
  name: 'own-url',
  setup(plugin) {
    plugin.onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)),
      loader: 'ts',
    }))
  },
}

const { outputFiles } = await build({
  entryPoints: [entry],
  absWorkingDir: root,
  bundle: true,
  write: false,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  sourcemap: 'inline',
  logLevel: 'error',
  plugins: [ownUrl],
})
const code = outputFiles[0].contents
const cache = join(root, 'node_modules', '.cache', 'run-ts')
const program = join(cache, `${basename(entry, '.ts')}-${createHash('sha256').update(code).digest('hex').slice(0, 16)}.mjs`)
mkdirSync(cache, { recursive: true })
writeFileSync(`${program}.${process.pid}`, code)
renameSync(`${program}.${process.pid}`, program)
process.argv = [process.argv[0], entry, ...rest]
process.setSourceMapsEnabled(true)
await import(pathToFileURL(program).href)
