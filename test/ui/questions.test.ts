import { describe, expect, it } from 'vitest'
import { firewallOf, flagsAsWords } from '../../src/commands/firewall-flags.ts'
import { FwError } from '../../src/errors.ts'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import { answerByDefault, askQuestion } from '../../src/ui/ask-questions.ts'
import type { Question } from '../../src/ui/prompter.ts'
import { defaultAnswers, questionsFor } from '../../src/ui/questions.ts'
import { type ScriptedAnswer, scriptedPrompter } from '../../src/ui/scripted-prompter.ts'
import { homeFacts } from '../fixtures/home-facts.ts'

const facts = homeFacts()
const question = (id: string, of: Facts = facts) => {
  const found = questionsFor(of).find((one) => one.id === id)
  if (found === undefined) throw new Error(`no question ${id}`)
  return found
}
const script = (answer: (question: Question) => ScriptedAnswer) => scriptedPrompter(answer, () => undefined)
const fine = () => true as const

describe('the wizard’s questions for the home cluster', () => {
  it('are five, each with its flag, and what hangs on it', () => {
    expect(questionsFor(facts).map(({ id, flag }) => [id, flag])).toEqual([
      ['interfaces', '--interface'],
      ['trust', '--trust'],
      ['vips', '--vip'],
      ['nodePorts', '--node-ports'],
      ['failsafes', '--failsafe'],
    ])
    expect(questionsFor(facts).filter(({ why, message }) => why === '' || !message.endsWith('?'))).toEqual([])
  })

  it('offer what was discovered: the operator, the VIPs, the API’s VIP, its port', () => {
    expect(question('trust').offers[0]).toEqual({ value: '192.168.218.170/32', name: '192.168.218.170/32 (this machine)', checked: false })
    expect(question('vips').offers.map(({ value, checked }) => [value, checked])).toEqual([
      ['192.168.218.180:80/tcp,443/tcp', true],
      ['192.168.218.189:7443/tcp', true],
    ])
    expect(question('nodePorts').why).toContain('31110/tcp')
    expect(defaultAnswers(question('failsafes'))).toEqual(['7443/tcp'])
    expect(defaultAnswers(question('interfaces'))).toEqual(['ens160'])
  })

  it('tell nodes where not every one has the interface, once for all of them', () => {
    const [first, ...rest] = facts.nodes
    if (first === undefined) throw new Error('no nodes')
    const storage = { name: 'eth1', addresses: [], source: 'annotation projectcalico.org/Interfaces' }
    const uneven = { ...facts, nodes: [{ ...first, interfaces: [...first.interfaces, storage] }, ...rest] }
    expect(question('interfaces', uneven).offers).toEqual([
      { value: 'ens160', name: 'ens160 on every node (5), by annotation', checked: true },
      { value: 'eth1', name: `eth1 on ${first.name}, by annotation`, checked: false },
    ])
  })

  it('leave out what this cluster does not have', () => {
    const bare = { ...facts, services: [], apiEndpoints: [] }
    expect(questionsFor(bare).map(({ id }) => id)).toEqual(['interfaces', 'trust', 'failsafes'])
  })

  it('ask in words where the cluster tells no interfaces, and let --yes pass nothing there', () => {
    const blind = { ...facts, nodes: facts.nodes.map((node) => ({ ...node, interfaces: [] })) }
    expect(question('interfaces', blind).form).toBe('text')
    expect(() => answerByDefault(question('interfaces', blind))).toThrow(FwError)
    expect(() => answerByDefault(question('nodePorts'))).toThrow('--yes does not answer "What happens to the NodePorts?"')
  })
})

describe('answers', () => {
  it('may be words besides those on offer', async () => {
    const ui = script(({ message }) => (message.startsWith('Networks,') ? '10.1.0.0/16, 10.2.0.0/16' : ['192.168.218.170/32', 'other']))
    expect(await askQuestion(ui, question('trust'), fine)).toEqual(['192.168.218.170/32', '10.1.0.0/16', '10.2.0.0/16'])
    const ports = script(({ message }) => (message.startsWith('NodePorts') ? '31110/tcp' : 'choose'))
    expect(await askQuestion(ports, question('nodePorts'), fine)).toEqual(['31110/tcp'])
  })

  it('are checked as they are typed', async () => {
    const ui = script(({ message }) => (message.startsWith('Networks,') ? '10.1.0.1/16' : ['other']))
    const strict = () => 'has host bits set'
    await expect(askQuestion(ui, question('trust'), strict)).rejects.toThrow('has host bits set')
  })
})

describe('flags', () => {
  it('say what the example file says, and the same again when printed', () => {
    const flags = {
      interfaces: ['ens160'],
      trust: ['10.233.0.0/16'],
      vips: ['192.168.218.180:80/tcp,443/tcp', '192.168.218.189:7443/tcp'],
      open: ['31110/tcp@192.168.218.53/32'],
      failsafes: ['7443/tcp'],
      nodePorts: 'close',
    }
    expect(firewallOf(flags, facts, 'home').spec).toMatchObject({
      interfaces: [{ nodeSelector: {}, names: ['ens160'], labels: { 'node-endpoint': 'home' } }],
      trustedNets: ['10.233.0.0/16'],
      allow: [
        {
          name: 'vip-192-168-218-180-80',
          to: { nets: ['192.168.218.180/32'] },
          traffic: [
            {
              protocol: 'TCP',
              ports: [
                { first: 80, last: 80 },
                { first: 443, last: 443 },
              ],
            },
          ],
        },
        { name: 'vip-192-168-218-189-7443', to: { nets: ['192.168.218.189/32'] } },
        { name: 'open-31110-tcp', to: { nodes: true }, from: { nets: ['192.168.218.53/32'] } },
      ],
      extraFailsafePorts: { inbound: [{ protocol: 'TCP', port: 7443 }], outbound: [] },
    })
    expect(flagsAsWords({ ...flags, trust: [] })).toEqual([
      ...['--interface', 'ens160', '--trust', 'none', '--vip', '192.168.218.180:80/tcp,443/tcp', '--vip', '192.168.218.189:7443/tcp'],
      ...['--open', '31110/tcp@192.168.218.53/32', '--failsafe', '7443/tcp', '--node-ports', 'close'],
    ])
  })

  it.each([
    [
      'open',
      [
        {
          name: 'node-ports',
          traffic: [
            { protocol: 'TCP', ports: [{ first: 30000, last: 32767 }] },
            { protocol: 'UDP', ports: [{ first: 30000, last: 32767 }] },
          ],
        },
      ],
    ],
    ['31110', [{ name: 'node-ports', traffic: [{ protocol: 'TCP', ports: [{ first: 31110, last: 31110 }] }] }]],
    [
      '31110/udp,31200-31205',
      [
        {
          traffic: [
            { protocol: 'TCP', ports: [{ first: 31200, last: 31205 }] },
            { protocol: 'UDP', ports: [{ first: 31110, last: 31110 }] },
          ],
        },
      ],
    ],
    ['close', []],
  ])('--node-ports %s', (nodePorts, allow) => {
    expect(firewallOf({ interfaces: ['ens160'], nodePorts }, facts, 'home').spec.allow).toMatchObject(allow)
  })

  it('choose one node’s interface by its hostname label, and take IPv6 in brackets', () => {
    const { spec } = firewallOf({ interfaces: ['ws1.kryukov.local=ens160'], vips: ['[2001:db8::1]:443/tcp'] }, facts, 'home')
    expect(spec.interfaces[0]?.nodeSelector).toEqual({ matchLabels: { 'kubernetes.io/hostname': 'ws1.kryukov.local' } })
    expect(spec.allow[0]?.to).toEqual({ nets: ['2001:db8::1/128'] })
  })
})
