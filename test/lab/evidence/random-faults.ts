/** Runs hit by a random fault each: node scripts/run-ts.mjs test/lab/evidence/random-faults.ts [FLAG...]; SEED, RUNS and MINUTES in the environment */
import { proveRandomFaults } from '../proofs/random-faults.ts'
import { evidence } from './evidence.ts'

const number = (name: string, usual: number): number => Number(process.env[name] ?? usual)
const [seed, runs, minutes] = [number('SEED', 1), number('RUNS', 20), number('MINUTES', 240)]
await evidence('random-faults', `${runs} runs of the product, each hit by one fault at one moment drawn from seed ${seed}`, 3, (lab, page) =>
  proveRandomFaults(lab, page, { seed, runs, minutes }),
)
