import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const filesIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file).replaceAll('\\', '/'))

const pages = new Set([...readdirSync(root), ...filesIn('docs')].filter((file) => file.endsWith('.md')))
const isHere = (page: string): boolean => [...pages].some((known) => known === page || known.endsWith(`/${page}`))

/** A page by its name, or the number of a paragraph in one. */
const citation = /\w[\w/-]*\.md\b|\bM\d+\.\d+[a-z]?\b|\u00a7/g

it('no source cites a document the repository does not hold: who reads it could not look it up', () => {
  const sources = ['src', 'test', 'scripts', 'bench', 'bin'].flatMap(filesIn).filter((file) => /\.(ts|mjs|js|go)$/.test(file))
  expect(sources.length).toBeGreaterThan(500)
  const missing = sources.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(citation)]
      .map(([cited]) => cited)
      .filter((cited) => !isHere(cited))
      .map((cited) => `${file}: ${cited}`),
  )
  expect(missing).toEqual([])
})
