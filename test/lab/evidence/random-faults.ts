/** Runs hit by a random fault each: node scripts/run-ts.mjs test/lab/evidence/random-faults.ts [FLAG...]; SEED and RUNS in the environment */
import { proveRandomFaults } from '../proofs/random-faults.ts'
import { evidence } from './evidence.ts'

const [seed, runs] = [Number(process.env['SEED'] ?? 1), Number(process.env['RUNS'] ?? 20)]
await evidence('random-faults', `${runs} runs of the product, each hit by one fault at one moment drawn from seed ${seed}`, 3, (lab, page) =>
  proveRandomFaults(lab, page, { seed, runs }),
)
