import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSimulator } from '../../src/simulator/simulator.ts'
import { virtualClock } from '../../src/simulator/virtual-clock.ts'
import { dialogue } from './dialogue.ts'
import { compared, type Heard, hold } from './dialogue-partner.ts'

/** The same dialogue is held with a real kube-apiserver by the lab, whose answers these are (`npm run test:lab -- --only contract`; RECORD=1 keeps them anew). */
const record = join(import.meta.dirname, 'dialogue.golden.json')

describe('the API answers as kube-apiserver does', () => {
  let answers: Record<string, Heard> = {}
  const truth = (): Record<string, Heard> => JSON.parse(readFileSync(record, 'utf8'))
  let close = async (): Promise<void> => undefined

  beforeAll(async () => {
    const clock = virtualClock()
    const simulator = await startSimulator({ clock, tokens: { admin: 'admin', nobody: 'jane' } })
    close = simulator.close
    simulator.controllerManager.kill()
    simulator.deny({ user: 'jane' })
    answers = await clock.drive(hold({ url: simulator.url, tokens: { admin: 'admin', nobody: 'nobody', bad: 'bad' } }, dialogue))
  })
  afterAll(() => close())

  it.each(dialogue.map((step) => ({ step })))('$step.name', ({ step }) => {
    expect(compared(step, answers[step.name])).toEqual(compared(step, truth()[step.name]))
  })
})
