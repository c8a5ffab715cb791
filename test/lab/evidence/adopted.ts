/** The tutorial's own firewall, taken over: node scripts/run-ts.mjs test/lab/evidence/adopted.ts [FLAG...] */
import { proveAdopted } from '../proofs/adopted.ts'
import { evidence } from './evidence.ts'

await evidence('adopted', "The tutorial's HostEndpoints and policies, taken over by adopt, and brought back", 3, proveAdopted)
