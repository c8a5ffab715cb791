import type { Lab } from './lab.ts'
import type { LabTest } from './lab-test.ts'
import { felixFaults, proveFelixFaults } from './proofs/felix-faults.ts'
import { proveInit } from './proofs/home-init.ts'
import { proveOperatorCut, proveRefusals } from './proofs/hostility.ts'
import { proveLeastPrivilege, withoutRoles } from './proofs/least-privilege.ts'
import { proveEgressList, proveListConfirmed } from './proofs/limited-egress.ts'
import { proveMoreThanTcp } from './proofs/more-than-tcp.ts'
import { leavingNoTrace } from './proofs/no-trace.ts'
import { proveOpening } from './proofs/one-more-opening.ts'
import { type Page, pageOf } from './proofs/page.ts'
import { proveReactions } from './proofs/reactions.ts'
import { letCalicoctlIntroduceItself, proveStoredAsCalicoctl } from './proofs/stored-as-calicoctl.ts'
import { proveRolledBack, remember } from './proofs/undone.ts'

const proof = (name: string, prove: (lab: Lab, page: Page) => Promise<void>, cells: readonly string[]): LabTest => ({
  name,
  needs: ['felix', 'kubelet'],
  cells,
  run: async (lab, tell) => {
    const page = pageOf(tell)
    await prove(lab, page)
    if (page.failed().length > 0) throw new Error(`did not hold:\n${page.failed().join('\n')}`)
  },
})

/** One cell of each Felix dataplane, both flavours among them. */
const dataplanes = ['iptables-legacy-native', 'iptables-nft-aggregated', 'nftables-native-native']

/** What the product promises, by packets, in every cell. */
export const tests: readonly LabTest[] = [
  proof(
    'one sitting: init closes the home cluster and cuts nobody, add-vip opens one port to one client, rollback leaves nothing',
    async (lab, page) => {
      const before = await remember(lab)
      await proveInit(lab, page)
      await proveOpening(lab, page, false)
      await proveRolledBack(lab, page, before)
    },
    ['-native', '-aggregated'],
  ),
  proof('hostile objects before the run are refused by name, nothing is written', proveRefusals, ['-native', '-aggregated', '-storage']),
  proof('a fault that cuts the operator opens the cluster again', (lab, page) => proveOperatorCut(lab, page, false), dataplanes),
  proof(
    'a Felix that is stopped is named, nothing more is closed, and the runs leave nothing on the nodes',
    (lab, page) => leavingNoTrace(lab, page, () => proveFelixFaults(lab, page, felixFaults.slice(0, 1))),
    dataplanes.slice(0, 1),
  ),
  proof('a life line that is cut opens the cluster', (lab, page) => proveReactions(lab, page, 3), dataplanes.slice(2)),
  proof('what nodes send is limited by a list, and by none after the rollback', proveEgressList, dataplanes.slice(1)),
  proof('a list for what nodes send that a dead client left on trial is kept by confirm, and goes with the rollback', proveListConfirmed, dataplanes),
  proof('UDP, a protocol by number, and who may ping', proveMoreThanTcp, dataplanes.slice(1)),
  proof(
    'each command runs with no right but those of its role, and every right is used',
    (lab, page) => proveLeastPrivilege(lab, page).finally(() => withoutRoles(lab)),
    ['iptables-legacy-native', 'iptables-nft-aggregated'],
  ),
  proof(
    'where there are only storage CRDs: the same sitting, each object as the real calicoctl stores it, and taken back',
    async (lab, page) => {
      const hasCalicoctl = lab.binaries.calicoctl !== undefined
      if (hasCalicoctl) await letCalicoctlIntroduceItself(lab)
      const before = await remember(lab)
      await proveInit(lab, page)
      await proveOpening(lab, page, false)
      if (hasCalicoctl) await proveStoredAsCalicoctl(lab, page)
      await proveRolledBack(lab, page, before)
    },
    ['-storage'],
  ),
]
