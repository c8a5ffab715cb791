/** What nodes may send, limited by a list: node scripts/run-ts.mjs test/lab/evidence/limited-egress.ts [FLAG...] */
import { proveLimitedEgress } from '../proofs/limited-egress.ts'
import { evidence } from './evidence.ts'

await evidence('limited-egress', 'An allowlist for what nodes send: tried, grown, narrowed, opened by itself, taken back', 3, proveLimitedEgress)
