/**
 * The model against the real Felix over random objects: node scripts/run-ts.mjs test/lab/evidence/differential.ts [FLAG...]. DIFFERENTIAL_SEED chooses another draw.
 */
import { proveDifferential } from '../proofs/differential.ts'
import { evidence } from './evidence.ts'

const seed = Number(process.env['DIFFERENTIAL_SEED'] ?? 20_261_125)

await evidence('differential', `random clusters against the real Felix, seed ${seed}`, 3, async (lab, page) => {
  await proveDifferential(lab, page, { seed, eras: 3, sets: 11, packets: 6400, probes: 85 })
})
