import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Context } from '../../src/commands/context.ts'
import { openStage, type Stage } from './stage.ts'

const enough = ['--yes', '--node-ports', 'close', '--dry-run']
const rule = '-A INPUT -p tcp --dport 9100 -j DROP'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
}, 60_000)
afterAll(() => stage.close())

/** The look into nodes as the simulator has it, and ws1 with a firewall of its own in a backend. */
const walled = (section: 'nft4' | 'legacy4'): Pick<Context, 'lookInPod'> => ({
  lookInPod: async (command) => {
    const look = await stage.simulator.lookInPod(command)
    if (!command.pod.endsWith('ws1')) return look
    const table = section === 'nft4' ? look.stdout.replace('-A INPUT -j cali-INPUT', `-A INPUT -j cali-INPUT\n${rule}`) : look.stdout
    return { ...look, stdout: section === 'nft4' ? table : `${table}@@ legacy4\n:INPUT ACCEPT [0:0]\n${rule}\n\n@@ end 0\n` }
  },
})
const plain = (text: string): string => text.replaceAll(/\s+/g, ' ')

describe('a firewall of a node’s own', () => {
  it('that Calico’s accept would open is refused by name; given up by name it is told, and the command repeats it', async () => {
    const refused = await stage.run(['init', ...enough], walled('nft4'))
    expect(refused.code).toBe(3)
    expect(plain(refused.stderr)).toMatch(
      /the own firewall of ws1\.kryukov\.local closes.*--dport 9100 -j DROP.*--accept-host-firewall ws1\.kryukov\.local/,
    )
    const taken = await stage.run(['init', ...enough, '--accept-host-firewall', 'ws1.kryukov.local'], walled('nft4'))
    expect(taken.code).toBe(0)
    expect(plain(taken.stdout)).toContain(`What ws1.kryukov.local's own firewall drops opens with its HostEndpoint, for good: ${rule}`)
    const other = await stage.run(['init', ...enough, '--accept-host-firewall', 'ws2.kryukov.local'], walled('nft4'))
    expect(other.code).toBe(3)
  })

  it('in a backend Calico does not use still holds, and is no reason to refuse', async () => {
    expect((await stage.run(['init', ...enough], walled('legacy4'))).code).toBe(0)
  })
})

describe('what could not be seen', () => {
  it('of nodes nobody may look into counts as unsafe, unless it is accepted by its name', async () => {
    const blind = { lookInPod: undefined } as unknown as Partial<Context>
    const refused = await stage.run(['init', ...enough], blind)
    expect(refused.code).toBe(3)
    expect(plain(refused.stderr)).toMatch(
      /not seen, so not safe: INPUT rules of every node.*no expiry closes it again.*--accept-unseen host-input-rules/,
    )
    const taken = await stage.run(['init', ...enough, '--accept-unseen', 'host-input-rules'], blind)
    expect(taken.code).toBe(0)
  })

  it.each([
    ['webhooks', { verb: 'list', resource: 'validatingwebhookconfigurations' }],
    ['services', { verb: 'list', resource: 'services' }],
    ['policies', { verb: 'list', resource: 'tiers' }],
    ['environment', { verb: 'list', resource: 'daemonsets' }],
    ['api-endpoints', { verb: 'get', resource: 'configmaps', namespace: 'kube-public' }],
  ])('%s: refused by name', async (kind, denial) => {
    const allowAgain = stage.simulator.deny(denial)
    try {
      const refused = await stage.run(['init', ...enough])
      expect(plain(refused.stderr)).toMatch(new RegExp(`not seen, so not safe: .*--accept-unseen ${kind}`))
      expect(refused.code).toBe(3)
    } finally {
      allowAgain()
    }
  })

  it('an operator seen by an address nobody knows is proved for as anybody', async () => {
    const hidden: Partial<Context> = { network: { localAddressTo: async () => undefined, interfaces: () => ({}) } }
    const { code, stdout } = await stage.run(['init', ...enough], hidden)
    expect([code, stdout.includes('Not looked at: the address the cluster sees us by')]).toEqual([0, true])
  })

  it('no such kind', async () => {
    const { code, stderr } = await stage.run(['init', ...enough, '--accept-unseen', 'webhook'])
    expect([code, plain(stderr).includes('did you mean webhooks?')]).toEqual([2, true])
  })
})
