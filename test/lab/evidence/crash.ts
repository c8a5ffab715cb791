/** The client dies at nine points of a run: node scripts/run-ts.mjs test/lab/evidence/crash.ts [FLAG...] */
import { proveCrashes } from '../proofs/crashes.ts'
import { evidence } from './evidence.ts'

await evidence('crash', 'a run of init whose client is killed', 4, proveCrashes)
