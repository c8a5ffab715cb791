/** A Felix that stops doing its work while nodes are closed: node scripts/run-ts.mjs test/lab/evidence/felix-faults.ts [FLAG...] */
import { felixFaults, proveFelixFaults } from '../proofs/felix-faults.ts'
import { leavingNoTrace } from '../proofs/no-trace.ts'
import { evidence } from './evidence.ts'

await evidence('felix-faults', 'a Felix that does not do its work, and what the runs leave on the nodes', 3, (lab, page) =>
  leavingNoTrace(lab, page, () => proveFelixFaults(lab, page, felixFaults)),
)
