/** Controllers and API server freeze across the deadline, the operator's cable is pulled: node scripts/run-ts.mjs test/lab/evidence/freeze.ts [FLAG...] */
import { proveFreezes } from '../proofs/crashes.ts'
import { evidence } from './evidence.ts'

await evidence('freeze', 'a run of init that loses the controllers that would open for it, or its way to the cluster', 4, proveFreezes)
