import type { Lab } from '../lab.ts'
import { lengthOf } from '../packets/cuts.ts'
import { type LifeLine, renderTimeline, type Timeline, watchLifeLines } from '../packets/life-lines.ts'
import { neverCut } from './home-answers.ts'
import { type Page, seconds } from './page.ts'

/** How lines are kept under watch: an attempt of each every so often, everything told or only what was lost, a place that is cut off on purpose, and lines that are not to be kept. */
interface Keeping {
  readonly everyMs: number
  readonly inFull: boolean
  readonly but?: string
  readonly which?: (line: LifeLine) => boolean
}

/** Does something while every line that must never be cut is under fresh connections, and writes down whether one was. */
export const keepingLines = async <T>(
  lab: Lab,
  page: Page,
  { everyMs, inFull, but, which = () => true }: Keeping,
  work: () => Promise<T>,
): Promise<T> => {
  const watching = await watchLifeLines(
    lab,
    neverCut(lab).filter((line) => line.from !== but && which(line)),
    { everyMs },
  )
  let timeline: Timeline | undefined
  try {
    return await work()
  } finally {
    timeline = await watching.stop()
    const longest = Math.max(0, ...timeline.cuts.map((cut) => lengthOf(cut, timeline?.ended ?? 0)))
    page.fact(
      `no node, pod or open port was cut at any moment${but === undefined ? '' : `, seen from everywhere but ${but}`}`,
      timeline.cuts.length === 0,
      `${timeline.lines.length} lines, ${timeline.samples.length} fresh connections in ${seconds(timeline.ended - timeline.began)}, ${timeline.cuts.length} cuts${timeline.cuts.length === 0 ? '' : `, the longest ${seconds(longest)}`}`,
    )
    if (inFull || timeline.cuts.length > 0) page.say(renderTimeline(timeline))
  }
}
