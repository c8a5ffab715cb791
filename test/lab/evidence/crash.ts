/** The client dies, controllers freeze, cables are pulled: node scripts/run-ts.mjs test/lab/evidence/crash.ts [FLAG...] */
import { proveCrashes } from '../proofs/crashes.ts'
import { evidence } from './evidence.ts'

await evidence('crash', 'a run of init that loses its client, or the controllers that would open for it', 4, proveCrashes)
