import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { startSimulator } from '../../src/simulator/simulator.ts'
import { realClock } from '../fixtures/real-time.ts'
import { openTerminal } from './terminal.ts'

const bin = join(import.meta.dirname, '../../bin/kubectl-calico_fw.js')
const enter = '\r'
const down = '\u001b[B'
const [ctrlC, ctrlD] = ['\u0003', '\u0004']
/** The wizard's questions on the demo cluster, each with what can be chosen first. */
const questions: readonly (readonly [string, RegExp])[] = [
  ['Which network interfaces', /❯◉ ens160/],
  ['Which networks have full access', /❯◯ 192\.168\.218\.170\/32/],
  ['Which of these addresses', /❯◉ 192\.168\.218\.180/],
  ['What happens to the NodePorts', /❯ close them all/],
  ['Which more ports become failsafes', /\(7443\s*\/tcp\)/],
]
/** A stage at work, what it says, and what is still to come. */
const working = /[⠀-⣿] \w+[^\n]*\n[^\n]*opens by itself in \d+ s[\s\S]*◼ Keep it/

/** Whether the bytes set a colour (SGR 30 to 38 and 90 to 97). */
const coloured = (raw: string): boolean => new RegExp(`${String.fromCharCode(27)}\\[(?:3[0-8]|9[0-7])`).test(raw)

describe.concurrent('the wizard in a terminal', () => {
  it('closes the demo cluster with seven answers, and says what it did', async ({ expect, onTestFinished }) => {
    const terminal = openTerminal(process.execPath, [bin, 'demo'])
    onTestFinished(() => terminal.kill())
    for (const [question] of questions) {
      await terminal.shows(`? ${question}`, 30_000)
      terminal.type(enter)
    }
    await terminal.shows('? Type home to begin')
    expect(terminal.text()).toMatch(
      /What closes[\s\S]*What stays open[\s\S]*In this order[\s\S]*If something goes wrong[\s\S]*kubectl calico-fw rollback/,
    )
    terminal.type(`home${enter}`)
    await terminal.shows(/opens by itself in \d+ s/, 30_000)
    await terminal.shows('? Keep the firewall?', 40_000)
    expect(terminal.text()).toMatch(/✔ Close worker ws1[\s\S]*✔ Close control-plane node control1/)
    terminal.type(ctrlD)
    await terminal.shows('Interrupted. What now?')
    await terminal.shows(/❯ [^\n]*\n[^\n]*\n[^\n]*go on/)
    terminal.type(down + down + enter)
    await terminal.shows(/go on[\s\S]*\? Keep the firewall\?[\s\S]*❯ no: open again now/)
    terminal.type(down + enter)
    await terminal.shows('Undo it: kubectl calico-fw rollback', 30_000)
    await terminal.shows(/kubelet on ws1 +TIMEOUT +TIMEOUT +OPEN/)
    expect(terminal.text().match(/^✔ (?:Which|What|Type|Keep the) /gm)).toHaveLength(7)
    expect(terminal.text()).toContain('kubectl calico-fw init --interface ens160 --trust none --vip')
  }, 120_000)

  it('ends with 130 at Ctrl-C, and colours nothing under NO_COLOR', async ({ expect, onTestFinished }) => {
    const terminal = openTerminal(process.execPath, [bin, 'demo'], { NO_COLOR: '1' })
    onTestFinished(() => terminal.kill())
    await terminal.shows('? Which network interfaces', 30_000)
    terminal.type(ctrlC)
    expect(await terminal.ended).toBe(130)
    expect(terminal.text()).toContain('error: interrupted')
    expect(coloured(terminal.raw())).toBe(false)
  }, 60_000)

  it('fits 60 by 15, and 40 by 12 from the middle of a run on; asks there what Ctrl-C meant, and undoes it', async ({ expect, onTestFinished }) => {
    const terminal = openTerminal(process.execPath, [bin, 'demo'], {}, { cols: 60, rows: 15 })
    onTestFinished(() => terminal.kill())
    const screen = (): string => terminal.screen().join('\n')
    for (const [question, choice] of questions) {
      await terminal.shows(choice, 30_000, screen)
      expect(screen()).toContain(`? ${question}`)
      terminal.type(enter)
    }
    await terminal.shows('? Type home to begin', 15_000, screen)
    terminal.type(`home${enter}`)
    await terminal.shows(working, 30_000, screen)
    terminal.resize({ cols: 40, rows: 12 })
    await terminal.shows('✔ Close worker ws1', 30_000)
    terminal.type(ctrlC)
    await terminal.shows(/Interrupted\. What now\?[\s\S]*❯/, 15_000, screen)
    terminal.type(enter)
    await terminal.shows('(exit code 4)', 40_000)
    expect(terminal.text()).toContain('✔ Open everything')
    expect(await terminal.ended).toBe(4)
    expect(coloured(terminal.raw())).toBe(true)
  }, 120_000)

  it('asks line by line where TERM=dumb, and draws nothing', async ({ expect, onTestFinished }) => {
    const terminal = openTerminal(process.execPath, [bin, 'demo'], { TERM: 'dumb' })
    onTestFinished(() => terminal.kill())
    await terminal.shows(/Which network interfaces[^?]*\?\s+1\. ens160 on every node \(5\), by annotation \(chosen\)/, 30_000)
    for (const [question] of questions) {
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
  }, 60_000)

  it('opens and undoes when its window is closed in the middle of a run', async ({ expect, onTestFinished }) => {
    const folder = await mkdtemp(join(tmpdir(), 'calico-fw-test-'))
    const told = join(folder, 'exit-code')
    // Node itself cannot leave a terminal that is gone in peace; what it would have said is kept here.
    const watcher = `import{writeFileSync}from'node:fs';process.on('exit',(code)=>writeFileSync(${JSON.stringify(told)},String(code)))`
    const terminal = openTerminal(process.execPath, [bin, 'demo'], { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(watcher)}` })
    onTestFinished(async () => {
      terminal.kill()
      await rm(folder, { recursive: true })
    })
    for (const [question] of questions) {
      await terminal.shows(question, 30_000)
      terminal.type(enter)
    }
    await terminal.shows('? Type home to begin')
    terminal.type(`home${enter}`)
    await terminal.shows(/opens by itself in \d+ s/, 30_000)
    terminal.close()
    await terminal.ended
    expect(await readFile(told, 'utf8')).toBe('4')
  }, 120_000)

  it('without a terminal names the flag it misses, and writes nothing', async ({ expect, onTestFinished }) => {
    const simulator = await startSimulator({ clock: realClock })
    const folder = await mkdtemp(join(tmpdir(), 'calico-fw-test-'))
    onTestFinished(async () => {
      await simulator.close()
      await rm(folder, { recursive: true })
    })
    const kubeconfig = join(folder, 'config')
    await writeFile(kubeconfig, simulator.kubeconfig({ server: 'loopback' }))
    const child = spawn(process.execPath, [bin, 'init', '--kubeconfig', kubeconfig, '-o', 'json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], XDG_STATE_HOME: folder },
    })
    let [out, err] = ['', '']
    child.stdout.on('data', (data) => {
      out += data
    })
    child.stderr.on('data', (data) => {
      err += data
    })
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(JSON.parse(err.slice(err.indexOf('{')))).toMatchObject({
      kind: 'Error',
      code: 'FW_MISSING_ANSWER',
      exitCode: 2,
      fix: 'answer it with --interface',
    })
    expect(simulator.requests.filter(({ method }) => method !== 'GET')).toEqual([])
  }, 60_000)
})
