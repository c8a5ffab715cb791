import type { Lab } from '../lab.ts'
import { homePackets, observe, renderTable } from '../packets/table.ts'
import { runTool, withSeconds } from '../tool.ts'
import { closedAnswer, inBrief, mismatches } from './home-answers.ts'
import { initHome } from './home-init.ts'
import { type Page, seconds } from './page.ts'
import { proveRolledBack, remember } from './undone.ts'

/** `init`, then `add-vip`, then `rollback --to 0`, which leaves nothing of the tool. */
export const proveAddVip = async (lab: Lab, page: Page, inFull = false): Promise<void> => {
  const before = await remember(lab)
  await initHome(lab)
  await proveOpening(lab, page, inFull)
  const rolled = await proveRolledBack(lab, page, before)
  if (inFull) page.say(withSeconds(rolled))
}

/** On the closed home cluster `add-vip` opens one NodePort of one address to one client, and nothing else. */
export const proveOpening = async (lab: Lab, page: Page, inFull: boolean): Promise<void> => {
  const [address, client, port] = ['192.168.218.174', '192.168.218.53', lab.layout.nodePorts.cluster]
  const args = ['add-vip', address, '--port', `${port}/tcp`, '--from', `${client}/32`, '--yes']
  const added = await runTool(lab, args)
  page.fact(`${args.join(' ')} exits 0`, added.code === 0, `exit ${added.code} in ${seconds(added.ended - added.began)}`)
  if (inFull || added.code !== 0) page.say(withSeconds(added))
  const after = await observe(lab, homePackets(lab.layout))
  const wrong = mismatches(after, (packet) => {
    const { from, target } = packet
    const isOpened = from === 'win' && target.host === address && target.protocol === 'tcp' && target.port === port
    return isOpened ? 'OPEN' : closedAnswer(lab.layout, packet)
  })
  page.fact(
    `${address}:${port} is OPEN from ${client} and TIMEOUT from every other outsider; nothing else changed`,
    wrong.length === 0,
    wrong.length === 0 ? `${after.length} packets` : inBrief(wrong),
  )
  if (inFull || wrong.length > 0) page.say(renderTable(after))
}
