// Bundles our own sources; packages stay where npm put them. The entry in bin/ calls this in a checkout, so that it always runs what src/ says.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build as bundle } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Writes dist/ where it differs from what src/ gives; each file by rename, since two commands may start at once. */
export const build = async () => {
  const { outputFiles } = await bundle({
    absWorkingDir: root,
    entryPoints: ['src/main.ts'],
    outdir: 'dist',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    sourcemap: 'linked',
    write: false,
    logLevel: 'warning',
  })
  for (const file of outputFiles) {
    const known = await readFile(file.path).catch(() => undefined)
    if (known?.equals(file.contents)) continue
    await mkdir(dirname(file.path), { recursive: true })
    const partial = join(dirname(file.path), `.${process.pid}-${basename(file.path)}`)
    await writeFile(partial, file.contents)
    await rename(partial, file.path)
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await build()
