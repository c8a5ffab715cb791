import { join } from 'node:path'
import { describe, it } from 'vitest'
import { openTerminal } from './terminal.ts'

const bin = join(import.meta.dirname, '../../bin/kubectl-calico_fw.js')
const [enter, ctrlD] = ['\r', '\u0004']
const questions = [
  'Which network interfaces',
  'Which networks have full access',
  'Which of these addresses',
  'What becomes of the NodePorts',
  'Which ports become failsafes',
  'Type home to begin',
]

/** A stage at work, what it says, and what is still to come. */
const working = /[⠀-⣿] \w+[^\n]*\n[^\n]*opens by itself in \d+ s[\s\S]*◼ Keep it/

describe.concurrent('the wizard elsewhere than on 80 by 24', () => {
  it('asks line by line where TERM=dumb, and draws nothing', { timeout: 60_000 }, async ({ expect, onTestFinished }) => {
    const terminal = openTerminal(process.execPath, [bin, 'demo'], { TERM: 'dumb' })
    onTestFinished(() => terminal.kill())
    await terminal.shows(/Which network interfaces[^?]*\?\s+1\. ens160 on every node \(5\), by annotation \(chosen\)/, 30_000)
    for (const question of questions.slice(0, 5)) {
      await terminal.shows(question)
      await terminal.shows(/Enter for [^:]*: $|> $/m)
      terminal.type(enter)
    }
    await terminal.shows('Type home to begin')
    terminal.type(`hose${enter}`)
    await terminal.shows('That is no answer: type home')
    terminal.type(`hom x\u0017nothing\u0015${enter}`)
    await terminal.shows('Nothing was written')
    await terminal.ended
    expect(terminal.raw()).not.toContain('\u001b')
  })

  it('fits 60 by 15, in which every question and what there is to choose are on the screen; and 50 by 12, made so while it runs', {
    timeout: 120_000,
  }, async ({ expect, onTestFinished }) => {
    const terminal = openTerminal(process.execPath, [bin, 'demo'], {}, { cols: 60, rows: 15 })
    onTestFinished(() => terminal.kill())
    const firstChoice = [/❯◉ ens160/, /❯◯ 192\.168\.218\.170\/32/, /❯◉ 192\.168\.218\.180/, /❯ close them all/, /\(7443\s*\/tcp\)/, /\? Type home/]
    for (const [at, question] of questions.entries()) {
      await terminal.shows(`? ${question}`, 30_000)
      await terminal.shows(firstChoice[at] ?? '')
      const screen = terminal.screen().join('\n')
      expect(screen).toContain(`? ${question}`)
      expect(screen).toMatch(firstChoice[at] ?? '')
      terminal.type(question.startsWith('Type') ? `home${enter}` : enter)
    }
    await terminal.shows(working, 30_000, () => terminal.screen().join('\n'))
    terminal.resize({ cols: 50, rows: 12 })
    await terminal.shows('? Keep the firewall?', 40_000)
    await terminal.shows('❯ no: open again now and undo everything')
    const screen = terminal.screen().join('\n')
    expect(screen).toMatch(/\? Keep the firewall\?[\s\S]*❯ no: open again now and undo everything/)
    expect(screen).toContain('opens by itself in')
    terminal.type(ctrlD)
    await terminal.shows('Interrupted. What now?')
    terminal.type(enter)
    await terminal.shows('(exit code 4)', 40_000)
    expect(await terminal.ended).toBe(4)
  })
})
