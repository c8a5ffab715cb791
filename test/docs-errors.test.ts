import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

it('every FW_ code has its section in docs/errors.md, and every section its code', () => {
  const codes = [...read('src/errors.ts').matchAll(/^ {2}(FW_[A-Z_]+): exitCodes\./gm)].map(([, code]) => code)
  const sections = [...read('docs/errors.md').matchAll(/^### (FW_[A-Z_]+)$/gm)].map(([, code]) => code)
  expect(sections.length).toBeGreaterThan(30)
  expect([...sections].sort()).toEqual([...codes].sort())
})
