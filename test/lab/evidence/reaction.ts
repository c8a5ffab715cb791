/** A life line is cut while nodes are closed, twenty times: node scripts/run-ts.mjs test/lab/evidence/reaction.ts [FLAG...] */
import { proveReactions } from '../proofs/reactions.ts'
import { evidence } from './evidence.ts'

await evidence('reaction', 'from the first lost packet of a life line to the opening, and to everything open', 3, (lab, page) =>
  proveReactions(lab, page, 20),
)
