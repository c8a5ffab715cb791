/** A node joins the closed cluster, is closed by sync, and is replaced: node scripts/run-ts.mjs test/lab/evidence/join.ts [FLAG...] */
import { proveJoin } from '../proofs/joining.ts'
import { evidence } from './evidence.ts'

await evidence('join', 'a node joins the closed cluster while no client runs, sync closes it, and another machine takes its name', 3, proveJoin)
