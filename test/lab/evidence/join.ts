/** A node joins the closed cluster: node scripts/run-ts.mjs test/lab/evidence/join.ts [FLAG...] */
import { proveJoin } from '../proofs/joining.ts'
import { evidence } from './evidence.ts'

await evidence('join', 'a node joins the closed cluster while no client runs', 3, proveJoin)
