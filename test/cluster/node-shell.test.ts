import { describe, expect, it } from 'vitest'
import type { PodCommand } from '../../src/cluster/pods/exec.ts'
import { nodeShell } from '../../src/cluster/pods/node-shell.ts'
import { FwError } from '../../src/errors.ts'

const command: PodCommand = { namespace: 'calico-system', pod: 'calico-node-ws1', container: 'calico-node', command: ['true'], timeoutMs: 1_000 }
const answer = (stdout: string) => ({ stdout, stderr: '', exitCode: 0 })

const shellWith = (failure: FwError | undefined) => {
  const seen: string[] = []
  const shell = nodeShell(
    async () => {
      seen.push('exec')
      if (failure !== undefined) throw failure
      return answer('by exec')
    },
    async ({ timeoutMs }) => {
      seen.push(`pod ${timeoutMs}`)
      return answer('by pod')
    },
  )
  return { shell, seen }
}

describe('commands on nodes', () => {
  it('go by exec while that is allowed', async () => {
    const { shell, seen } = shellWith(undefined)
    expect([await shell.run(command), shell.byPods(), seen]).toEqual([answer('by exec'), false, ['exec']])
  })

  it('go by short pods from the first refusal on, with more patience, and exec is not asked again', async () => {
    const { shell, seen } = shellWith(new FwError('FW_FORBIDDEN', 'no'))
    expect(await shell.run(command)).toEqual(answer('by pod'))
    await shell.run(command)
    expect([shell.byPods(), seen]).toEqual([true, ['exec', 'pod 3000', 'pod 3000']])
  })

  it.each(['FW_UNREACHABLE', 'FW_TIMEOUT', 'FW_NOT_FOUND'] as const)('%s is no refusal', async (code) => {
    const { shell, seen } = shellWith(new FwError(code, 'no'))
    await expect(shell.run(command)).rejects.toMatchObject({ code })
    expect([shell.byPods(), seen]).toEqual([false, ['exec']])
  })

  it('what is told while it goes on has no stand-in', async () => {
    const { shell } = shellWith(new FwError('FW_FORBIDDEN', 'no'))
    await expect(shell.run({ ...command, onOutput: () => undefined })).rejects.toMatchObject({ code: 'FW_FORBIDDEN' })
  })
})
