import type { Lab } from '../lab.ts'
import { homePackets, observe, renderTable } from '../packets/table.ts'
import { runTool, type ToolEnd, tail, withSeconds } from '../tool.ts'
import { closedAnswer, inBrief, mismatches } from './home-answers.ts'
import { keepingLines } from './kept-lines.ts'
import { type Page, seconds } from './page.ts'

/** Runs `init` on the home cluster's file; the proof needs it done. */
export const initHome = async (lab: Lab, ...more: readonly string[]): Promise<ToolEnd> => {
  const end = await runTool(lab, ['init', '-f', 'examples/home.yaml', '--yes', ...more])
  if (end.code !== 0) throw new Error(`init exits ${end.code}:\n${tail(end.lines)}`)
  return end
}

/** `init -f examples/home.yaml --yes` from the operator's host closes what the file does not allow, and cuts nobody else at any moment. */
export const proveInit = async (lab: Lab, page: Page, inFull = false): Promise<void> => {
  const packets = homePackets(lab.layout)
  const before = await observe(lab, packets)
  const shut = mismatches(before, () => 'OPEN')
  page.fact('before: every place reaches every port', shut.length === 0, `${packets.length} packets${shut.length === 0 ? '' : `; ${inBrief(shut)}`}`)
  const { end, after } = await keepingLines(lab, page, { everyMs: inFull ? 250 : 500, inFull }, async () => {
    const ran = await runTool(lab, ['init', '-f', 'examples/home.yaml', '--yes'])
    return { end: ran, after: await observe(lab, packets) }
  })
  page.fact('init -f examples/home.yaml --yes exits 0', end.code === 0, `exit ${end.code} in ${seconds(end.ended - end.began)}`)
  if (inFull || end.code !== 0) page.say(withSeconds(end))
  const wrong = mismatches(after, (packet) => closedAnswer(lab.layout, packet))
  page.fact(
    'after: outsiders reach what the file allows and the failsafes, and nothing else; nodes and pods reach everything',
    wrong.length === 0,
    wrong.length === 0 ? `${packets.length} packets` : inBrief(wrong),
  )
  if (inFull || wrong.length > 0) page.say(renderTable(after))
}
