/** One sitting where Calico has only its storage CRDs: node scripts/run-ts.mjs test/lab/evidence/stored.ts --flavour storage */
import { proveInit } from '../proofs/home-init.ts'
import { proveOpening } from '../proofs/one-more-opening.ts'
import { letCalicoctlIntroduceItself, proveStoredAsCalicoctl } from '../proofs/stored-as-calicoctl.ts'
import { proveRolledBack, remember } from '../proofs/undone.ts'
import { evidence } from './evidence.ts'

await evidence('stored', 'init, add-vip and rollback where Calico has only its storage CRDs', 3, async (lab, page) => {
  await letCalicoctlIntroduceItself(lab)
  const before = await remember(lab)
  await proveInit(lab, page)
  await proveOpening(lab, page, false)
  await proveStoredAsCalicoctl(lab, page)
  await proveRolledBack(lab, page, before)
})
