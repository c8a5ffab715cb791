import type { Lab } from '../lab.ts'
import { lengthOf } from '../packets/cuts.ts'
import { renderTimeline, type Timeline, watchLifeLines } from '../packets/life-lines.ts'
import { neverCut } from './home-answers.ts'
import { type Page, seconds } from './page.ts'

/** Does something while every line that must never be cut is under fresh connections, and writes down whether one was. */
export const keepingLines = async <T>(
  lab: Lab,
  page: Page,
  { everyMs, inFull }: { everyMs: number; inFull: boolean },
  work: () => Promise<T>,
): Promise<T> => {
  const watching = await watchLifeLines(lab, neverCut(lab), { everyMs })
  let timeline: Timeline | undefined
  try {
    return await work()
  } finally {
    timeline = await watching.stop()
    const longest = Math.max(0, ...timeline.cuts.map((cut) => lengthOf(cut, timeline?.ended ?? 0)))
    page.fact(
      'no node, pod or open port was cut at any moment',
      timeline.cuts.length === 0,
      `${timeline.lines.length} lines, ${timeline.samples.length} fresh connections in ${seconds(timeline.ended - timeline.began)}, ${timeline.cuts.length} cuts${timeline.cuts.length === 0 ? '' : `, the longest ${seconds(longest)}`}`,
    )
    if (inFull || timeline.cuts.length > 0) page.say(renderTimeline(timeline))
  }
}
