import { compareAll, type Extent, formatDisagreement, minimal, type Tally } from '../differential/campaign.ts'
import { prepareGround } from '../differential/ground.ts'
import { terrainOf } from '../differential/terrain.ts'
import type { Lab } from '../lab.ts'
import type { Page } from './page.ts'

/** What has to be compared for a page of evidence. */
const enough = { byRules: 200_000, byPackets: 2000 } as const

/** The model against the real Felix over random objects: by the rules Felix and kube-proxy programmed, and by packets really sent. */
export const proveDifferential = async (lab: Lab, page: Page, extent: Extent): Promise<Tally> => {
  await prepareGround(lab, terrainOf(lab.layout))
  page.say(
    `${extent.eras} eras of Services, tiers and failsafes, in each ${extent.sets} sets of objects with ${extent.packets} packets by rules and up to ${extent.probes} sent`,
  )
  const tally = await compareAll(lab, extent, (line) => page.say(line))
  const { byRules, byPackets, unknowns, met } = tally
  const count = ({ agree, unknown, disagree }: Tally['byRules']) =>
    `${agree + unknown + disagree} compared, ${agree} agree, ${unknown} unknown to the model, ${disagree} disagree`
  const total = ({ agree, disagree }: Tally['byRules']) => agree + disagree
  page.fact(
    `at least ${enough.byRules} packets judged by rule dumps, the unknown not counted, none otherwise than by the model`,
    total(byRules) >= enough.byRules && byRules.disagree === 0,
    count(byRules),
  )
  page.fact(
    `at least ${enough.byPackets} packets sent, none fared otherwise than the model says`,
    total(byPackets) >= enough.byPackets && byPackets.disagree === 0,
    `${count(byPackets)}, ${tally.resent} needed a second sending`,
  )
  page.say('\nWhat the model did not know, by what it would have to know:')
  for (const [feature, times] of [...unknowns].sort((one, other) => other[1] - one[1])) page.say(`${String(times).padStart(8)}  ${feature}`)
  const [first] = met
  if (first !== undefined) {
    page.say(`\nThe first disagreement, ${first.place}: ${formatDisagreement(first)}`)
    page.say(`shrunk: ${JSON.stringify(await minimal(lab, first))}`)
    for (const one of met.slice(1, 20)) page.say(`also ${one.place}: ${formatDisagreement(one)}`)
  }
  return tally
}
