/** UDP, a protocol by number, and who may ping: node scripts/run-ts.mjs test/lab/evidence/more-than-tcp.ts [FLAG...] */
import { proveMoreThanTcp } from '../proofs/more-than-tcp.ts'
import { evidence } from './evidence.ts'

await evidence('more-than-tcp', 'UDP for one client, pings for trusted networks alone, then for everyone, then not again', 5, proveMoreThanTcp)
