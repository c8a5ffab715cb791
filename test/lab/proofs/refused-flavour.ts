import { formatWrite, toolWrites } from '../cluster/audit.ts'
import { differences, snapshot } from '../cluster/snapshot.ts'
import type { Lab } from '../lab.ts'
import { runTool, tail } from '../tool.ts'
import { inBrief } from './home-answers.ts'
import { type Page, seconds } from './page.ts'

/** Where Calico's objects are served as storage CRDs alone, `init` refuses, says what to do, and writes nothing. */
export const proveStorageRefused = async (lab: Lab, page: Page): Promise<void> => {
  const before = await snapshot(lab.api)
  const end = await runTool(lab, ['init', '-f', 'examples/home.yaml', '--yes'])
  page.fact('init refuses, exit 3', end.code === 3, `exit ${end.code} in ${seconds(end.ended - end.began)}`)
  page.fact(
    'it says what to do',
    end.lines.some(({ text }) => text.startsWith('fix: ')),
  )
  page.say(tail(end.lines, 5))
  const writes = toolWrites(lab.state, end.began)
  page.fact('nothing was written', writes.length === 0, inBrief(writes.map(formatWrite)))
  const changed = differences(before, await snapshot(lab.api))
  page.fact('every object is as before', changed.length === 0, inBrief(changed) || `${before.size} objects`)
}
