// One CommonJS file with everything in it: what a single-file executable runs.
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** inquirer brings a prompt that opens an editor, and half a megabyte of character sets with it; nobody here asks that question. */
const withoutEditor = {
  name: 'without-editor',
  setup(plugin) {
    plugin.onResolve({ filter: /^@inquirer\/editor$/ }, ({ path }) => ({ path, namespace: 'left-out' }))
    plugin.onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: 'export default undefined' }))
  },
}

/** Gives the program's text and esbuild's account of what went into it. The same sources give the same text, wherever they lie. */
export const bundle = async () => {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['src/main.ts'],
    outfile: 'main.cjs',
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node22',
    minify: true,
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'warning',
    plugins: [withoutEditor],
  })
  return { code: Buffer.from(outputFiles[0].contents), inputs: Object.keys(metafile.outputs['main.cjs'].inputs) }
}
