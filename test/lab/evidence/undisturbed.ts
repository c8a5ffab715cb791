/** A bulk flow between two nodes while the product closes the cluster: node scripts/run-ts.mjs test/lab/evidence/undisturbed.ts [FLAG...] */
import { proveUndisturbed } from '../proofs/undisturbed.ts'
import { evidence } from './evidence.ts'

await evidence('undisturbed', 'what probes and watchers take from a bulk flow', 3, proveUndisturbed)
