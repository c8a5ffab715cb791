import { random } from '../fixtures/random.ts'
import { type Ended, playSimulated, undisturbed, type Whole } from './simulated.ts'
import { drawSchedule, type Schedule, wordsOf } from './simulated-faults.ts'

/** A history through the simulator that broke a promise. */
export interface SimulatedExample {
  readonly number: number
  readonly broken: string
  readonly trace: readonly string[]
}

/** Plays so many histories, from number `first` of this seed on. Each number is drawn by itself, so that one can be played again alone. */
export const playMany = async ({
  count,
  first,
  seed,
  tls = false,
}: {
  count: number
  first: number
  seed: number
  tls?: boolean
}): Promise<{ readonly ends: Readonly<Record<string, number>>; readonly found: readonly SimulatedExample[] }> => {
  const wholes: Record<'native' | 'aggregated', Whole> = {
    native: await undisturbed('native', tls),
    aggregated: await undisturbed('aggregated', tls),
  }
  const ends: Record<string, number> = {}
  const found: SimulatedExample[] = []
  for (let number = first; number < first + count; number++) {
    const chance = random(seed * 1_000_003 + number)
    const flavour = chance() < 0.6 ? 'native' : 'aggregated'
    const schedule = drawSchedule(chance, flavour, wholes[flavour])
    const play = (one: Schedule): Promise<Ended> => playSimulated(one, wholes[flavour], tls)
    const { broken, end } = await play(schedule)
    ends[end] = (ends[end] ?? 0) + 1
    if (broken === undefined) continue
    const { schedule: small, broken: says } = await shrunk(schedule, broken, play)
    found.push({ number, broken: says, trace: [`${flavour}, the answer is ${small.answer}`, ...small.mishaps.map(wordsOf)] })
  }
  return { ends, found }
}

/** Drops one mishap after the other while something still breaks. */
const shrunk = async (
  schedule: Schedule,
  broken: string,
  play: (one: Schedule) => Promise<Ended>,
): Promise<{ schedule: Schedule; broken: string }> => {
  for (const mishap of schedule.mishaps) {
    const fewer = { ...schedule, mishaps: schedule.mishaps.filter((one) => one !== mishap) }
    const { broken: still } = await play(fewer)
    if (still !== undefined) return shrunk(fewer, still, play)
  }
  return { schedule, broken }
}
