import { describe, expect, it } from 'vitest'
import { runOnNode } from '../../src/cluster/pods/operator-shell.ts'

const env = { PATH: process.env['PATH'] }
const never = new AbortController().signal

describe('a script on a node, by the operator’s own command', () => {
  it('gets the script on its stdin and answers with what it printed', async () => {
    expect(await runOnNode('env GREETING=hello', 'echo "$GREETING $0"', env, never)).toBe('hello sh\n')
  })

  it('says the last line of what went wrong, without what a terminal would obey', async () => {
    const failing = runOnNode('', 'echo fine; echo first >&2; printf "\\033[2Jno such key\\n" >&2; exit 255', env, never)
    await expect(failing).rejects.toMatchObject({
      code: 'FW_RESCUE',
      why: expect.not.stringContaining('\u001b'),
      fix: expect.stringContaining('rescue'),
    })
    await expect(failing).rejects.toMatchObject({ why: expect.stringContaining('no such key') })
  })

  it('names a command that is not there', async () => {
    await expect(runOnNode('no-such-program-here', 'true', env, never)).rejects.toMatchObject({
      code: 'FW_RESCUE',
      why: expect.stringMatching(/not found/),
    })
  })

  it('is stopped by Ctrl-C, and says that the node may be open', async () => {
    const stop = new AbortController()
    const running = runOnNode('', 'sleep 60', env, stop.signal)
    stop.abort('SIGINT')
    await expect(running).rejects.toMatchObject({ code: 'FW_INTERRUPTED', message: expect.stringContaining('may be open') })
  })
})
