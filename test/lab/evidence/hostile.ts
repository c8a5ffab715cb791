/** Foreign objects that the gate could not undo, and a fault that cuts the operator: node scripts/run-ts.mjs test/lab/evidence/hostile.ts [FLAG...] */
import { proveHostility } from '../proofs/hostility.ts'
import { evidence } from './evidence.ts'

await evidence('hostile', 'foreign objects before and during a run, and a fault that cuts the operator', 3, proveHostility)
