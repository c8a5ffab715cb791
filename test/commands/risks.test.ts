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

const section = (name: string, text: string): string => `@@ ${name}\n${text}\n\n@@ end 0\n`
const nic = (address: string) => ({ ifname: 'ens160', link_type: 'ether', flags: ['UP'], addr_info: [{ local: address, prefixlen: 24 }] })
const addresses: Readonly<Record<string, string>> = { control1: '171', ws1: '174', ws2: '175', ws3: '176', ws4: '177' }

/** Nodes that can be looked into, and ws1 with a firewall of its own in a backend; Calico is in iptables-nft. */
const walled = (backend: 'nft4' | 'legacy4' | undefined): Partial<Context> => ({
  execInPod: async (_, { pod }) => {
    const short = pod.replace('calico-node-', '')
    const own = (at: string): string => (backend === at && short === 'ws1' ? `\n${rule}` : '')
    return {
      stdout: [
        section('addr', JSON.stringify([nic(`192.168.218.${addresses[short]}`)])),
        section('route4', '[{"dst":"default","gateway":"192.168.218.1","dev":"ens160"}]'),
        section('route6', ''),
        section('legacy4', `:INPUT ACCEPT [0:0]${own('legacy4')}`),
        section('nft4', `:INPUT ACCEPT [0:0]\n:cali-INPUT - [0:0]\n-A INPUT -j cali-INPUT${own('nft4')}`),
        section('nft6', ''),
        section('chains', '{"nftables": []}'),
      ].join(''),
      stderr: '',
      exitCode: 0,
    }
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
    const blind = { pretendsNodes: undefined } as unknown as Partial<Context>
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
