/** Every command with the rights of its role alone, and which it used: node scripts/run-ts.mjs test/lab/evidence/rights.ts [FLAG...] */
import { proveLeastPrivilege } from '../proofs/least-privilege.ts'
import { evidence } from './evidence.ts'

await evidence('rights', 'what each command asks of the API server, with the rights of its role alone', 3, proveLeastPrivilege)
