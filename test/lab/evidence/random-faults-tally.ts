/** All transcripts of random-faults beside this script together: node scripts/run-ts.mjs test/lab/evidence/random-faults-tally.ts */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { endsIn, openingsTally } from '../proofs/openings-tally.ts'

const folder = fileURLToPath(new URL('./', import.meta.url))
const out = 'random-faults-tally.txt'
const transcripts = readdirSync(folder)
  .filter((name) => name.startsWith('random-faults') && name.endsWith('.txt') && name !== out)
  .map((name) => ({ name, text: readFileSync(`${folder}${name}`, 'utf8') }))
const rows = transcripts.map(({ name, text }) => {
  const not = text.split('\n').filter((line) => /^NO +\d+\./.test(line)).length
  return `  ${name}: ${endsIn(text).length} runs that were hit, ${not} claims that did not hold`
})
const ends = transcripts.flatMap(({ text }) => endsIn(text))
const text = [`${ends.length} runs in ${transcripts.length} transcripts`, ...rows, '', openingsTally(ends), ''].join('\n')
writeFileSync(`${folder}${out}`, text)
process.stdout.write(text)
