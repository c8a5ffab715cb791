import assert from 'node:assert/strict'
import { compareAll, formatDisagreement, summary } from './differential/campaign.ts'
import { prepareGround } from './differential/ground.ts'
import { terrainOf } from './differential/terrain.ts'
import type { LabTest } from './lab-test.ts'

/** Another draw every day, and the same one all day: what is met can be met again. */
const seedOfToday = (): number => Math.floor(Date.now() / 86_400_000)

/** Random objects and packets against the model, for some minutes. It stands late in the suite, for it leaves addresses and listeners behind. */
export const tests: readonly LabTest[] = [
  {
    name: 'differential: random objects, random packets; the model says what the rules and the wire do',
    needs: ['felix'],
    // One cell for each dataplane: Felix over iptables by either backend, and its nftables.
    cells: ['iptables-legacy-native', 'nftables-nft-native', 'nftables-native-native'],
    run: async (lab, tell) => {
      await prepareGround(lab, terrainOf(lab.layout))
      const extent = { seed: seedOfToday(), eras: 4, sets: 10, packets: 2000, probes: 50, budgetMs: 200_000 }
      const tally = await compareAll(lab, extent, tell)
      assert.deepEqual(tally.met.map((one) => `${one.place}: ${formatDisagreement(one)}`).slice(0, 10), [], summary(tally))
      assert.ok(tally.sets > 0, 'no set of objects was compared within the time')
      tell(summary(tally))
    },
  },
]
