/** SSH and the API narrowed to two administrators: node scripts/run-ts.mjs test/lab/evidence/narrowed.ts [FLAG...] */
import { proveNarrowed } from '../proofs/narrowed.ts'
import { evidence } from './evidence.ts'

await evidence('narrowed', 'SSH and the API of the nodes, failsafes of everyone, narrowed to two administrators', 3, proveNarrowed)
