/** One more opening, and the way back to nothing: node scripts/run-ts.mjs test/lab/evidence/add-vip.ts [FLAG...] */
import { proveAddVip } from '../proofs/one-more-opening.ts'
import { evidence } from './evidence.ts'

await evidence('add-vip', 'add-vip for one client, then rollback --to 0', 3, (lab, page) => proveAddVip(lab, page, true))
