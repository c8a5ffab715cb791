/** The home firewall on the home cluster, from the operator's host: node scripts/run-ts.mjs test/lab/evidence/init.ts [FLAG...] */
import { proveInit } from '../proofs/home-init.ts'
import { evidence } from './evidence.ts'

await evidence('init', 'init -f examples/home.yaml --yes on the home cluster, with every life line watched', 5, (lab, page) =>
  proveInit(lab, page, true),
)
