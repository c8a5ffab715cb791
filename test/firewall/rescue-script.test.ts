import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { rescueMark, rescueScript } from '../../src/firewall/rescue-script.ts'

/** Programs that stand in for a node's: they write down how they were called. What they do to packets the lab shows. */
describe('the script that opens a node', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rescue-'))
    mkdirSync(join(folder, 'bin'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const program = (name: string, body: string): void => {
    const file = join(folder, 'bin', name)
    writeFileSync(file, `#!/bin/sh\necho "${name} $*" >> ${join(folder, 'calls')}\n${body}\n`)
    chmodSync(file, 0o755)
  }
  const run = () => {
    const ran = spawnSync('sh', ['-s'], { input: rescueScript(1), encoding: 'utf8', env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin` } })
    return { ...ran, calls: () => readFileSync(join(folder, 'calls'), 'utf8').split('\n') }
  }

  it('says so where Calico has no rules, and changes nothing', () => {
    for (const tool of ['iptables-save', 'nft']) program(tool, 'exit 1')
    const { status, stderr, calls } = run()
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^no rules of Calico's are on .*: nothing to open/)])
    expect(calls().filter((call) => / -I | insert /.test(call))).toEqual([])
  })

  it('takes the iptables that Calico uses and no other, and tells how to end it', () => {
    program('iptables-legacy-save', '')
    program('iptables-nft-save', 'echo "-A PREROUTING -j cali-PREROUTING"')
    program('iptables-nft', 'exit 0')
    program('nft', 'exit 1')
    const { status, stdout, calls } = run()
    expect([status, stdout]).toEqual([0, expect.stringMatching(/is open for 1 s: iptables-nft\nto end it sooner, there: kill \d+\n$/)])
    const inserted = calls().filter((call) => call.includes(' -I '))
    expect(inserted.slice(0, 3)).toEqual(
      ['mangle -I PREROUTING', 'filter -I INPUT', 'filter -I OUTPUT'].map(
        (where) => `iptables-nft -w 5 -t ${where} -m comment --comment ${rescueMark} -j ACCEPT`,
      ),
    )
    expect(calls().some((call) => call.startsWith('iptables-legacy '))).toBe(false)
  })
})
