import type { Lab } from './lab.ts'
import { type Expected, expectPackets } from './packets/expect.ts'
import type { Seen } from './packets/table.ts'
import { type TruthObjects, type TruthState, truthState, writeTruth } from './truth.ts'

/** Holds packets to what is expected, state by state, and keeps what was seen for test/truth. */
export interface Recorder {
  /** `via` is the node packets come in by, where their destination does not say. */
  see(state: string, objects: Partial<TruthObjects>, expected: Expected, via?: string): Promise<Seen[]>
  write(): Promise<void>
}

/** A recorder for test/truth/NAME-VARIANT.json. */
export const recorder = (lab: Lab, name: string): Recorder => {
  const states: TruthState[] = []
  return {
    see: async (state, objects, expected, via) => {
      const seen = await expectPackets(lab, state, expected)
      states.push(truthState(state, objects, seen, via))
      return seen
    },
    write: async () => void (await writeTruth(lab, name, states)),
  }
}
