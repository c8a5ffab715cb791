import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSimulator } from '../../src/simulator/simulator.ts'
import { virtualClock } from '../../src/simulator/virtual-clock.ts'
import { dialogue, type Step } from './dialogue.ts'
import { type Heard, hold } from './dialogue-partner.ts'

/**
 * The same dialogue was held with a real kube-apiserver 1.36.3 that serves Calico 3.32.1's native CRDs, and its answers were kept. To record
 * them again: RECORD_API=https://127.0.0.1:6443 RECORD_TOKEN=... RECORD_NOBODY=... npx vitest run test/simulator/dialogue.test.ts
 */
const record = join(import.meta.dirname, 'dialogue.golden.json')
const { RECORD_API: url, RECORD_TOKEN: admin = '', RECORD_NOBODY: nobody = '' } = process.env

const compared = ({ compare = 'all' }: Step, heard: Heard | undefined): unknown => {
  if (heard === undefined || compare === 'code') return heard?.code
  const { reason } = heard.body as { reason?: string }
  return compare === 'reason' ? { code: heard.code, reason } : heard
}

describe('the API answers as kube-apiserver does', () => {
  let answers: Record<string, Heard> = {}
  const truth = (): Record<string, Heard> => JSON.parse(readFileSync(record, 'utf8'))
  let close = async (): Promise<void> => undefined

  beforeAll(async () => {
    if (url !== undefined) {
      const kept = await hold({ url, tokens: { admin, nobody, bad: 'bad' } }, dialogue)
      writeFileSync(record, `${JSON.stringify(kept, null, 1)}\n`)
    }
    const simulator = await startSimulator({ clock: virtualClock(), tokens: { admin: 'admin', nobody: 'jane' } })
    close = simulator.close
    simulator.controllerManager.kill()
    simulator.deny({ user: 'jane' })
    answers = await hold({ url: simulator.url, tokens: { admin: 'admin', nobody: 'nobody', bad: 'bad' } }, dialogue)
  })
  afterAll(() => close())

  it.each(dialogue.map((step) => ({ step })))('$step.name', ({ step }) => {
    expect(compared(step, answers[step.name])).toEqual(compared(step, truth()[step.name]))
  })
})
