/** Connections of real clients watched before the firewall is made: node scripts/run-ts.mjs test/lab/evidence/audited.ts [FLAG...] */
import { proveAudited } from '../proofs/audited.ts'
import { evidence } from './evidence.ts'

await evidence('audited', 'audit watches clients at work, then the firewall is made and the same clients call again', 3, proveAudited)
