import type { Lab } from './lab.ts'
import type { LabTest } from './lab-test.ts'
import type { Variant } from './options.ts'
import { proveInit } from './proofs/home-init.ts'
import { proveHostility } from './proofs/hostility.ts'
import { proveAddVip } from './proofs/one-more-opening.ts'
import { type Page, pageOf } from './proofs/page.ts'
import { proveStorageRefused } from './proofs/refused-flavour.ts'
import { proveRolledBack, remember } from './proofs/undone.ts'

const proof = (name: string, prove: (lab: Lab, page: Page) => Promise<void>, flavours: readonly Variant['flavour'][]): LabTest => ({
  name,
  needs: ['felix', 'kubelet'],
  cells: flavours.map((flavour) => `-${flavour}`),
  run: async (lab, tell) => {
    const page = pageOf(tell)
    await prove(lab, page)
    if (page.failed().length > 0) throw new Error(`did not hold:\n${page.failed().join('\n')}`)
  },
})

const served = ['native', 'aggregated'] as const

/** What the product promises, by packets, in every cell; where it refuses the cell's flavour, the refusal is what is proved. */
export const tests: readonly LabTest[] = [
  proof(
    'init closes the home cluster and cuts nobody, rollback leaves nothing',
    async (lab, page) => {
      const before = await remember(lab)
      await proveInit(lab, page)
      await proveRolledBack(lab, page, before)
    },
    served,
  ),
  proof('add-vip opens one port to one client, rollback leaves nothing', proveAddVip, served),
  proof('hostile objects are refused by name, or the run opens', proveHostility, served),
  proof('storage CRDs alone are refused', proveStorageRefused, ['storage']),
]
