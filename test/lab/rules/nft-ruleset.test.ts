import { describe, expect, it } from 'vitest'
import { type Header, ipOf } from './header.ts'
import { kernelOf } from './kernel.ts'
import { fateOf } from './network.ts'
import { parseNftRuleset } from './nft-ruleset.ts'

const links = JSON.stringify([{ ifname: 'eth0', addr_info: [{ family: 'inet', local: '10.0.0.1', scope: 'global' }] }])
const routes = JSON.stringify([
  { dst: 'default', gateway: '10.0.0.254', dev: 'eth0' },
  { dst: '10.9.0.2', dev: 'cali1' },
  { type: 'local', dst: '10.0.0.1', dev: 'eth0', table: 'local' },
])

const own = { family: 'ip', table: 'calico' }
const base = (name: string, hook: string, prio: number, type = 'filter') => ({ chain: { ...own, name, hook, prio, type, policy: 'accept' } })
const rule = (chain: string, ...expr: unknown[]) => ({ rule: { ...own, chain, expr } })
const match = (left: unknown, right: unknown, op = '==') => ({ match: { op, left, right } })
const payload = (protocol: string, field: string) => ({ payload: { protocol, field } })
const meta = (key: string) => ({ meta: { key } })
const setMark = (value: unknown) => ({ mangle: { key: meta('mark'), value } })
const drop = { drop: null }

const skeleton = [
  { table: { family: 'ip', name: 'calico' } },
  base('raw', 'prerouting', -300),
  base('nat', 'prerouting', -100, 'nat'),
  base('input', 'input', 0),
  base('forward', 'forward', 0),
  base('output', 'output', 0),
  { chain: { ...own, name: 'inner' } },
  {
    set: {
      ...own,
      name: 'home',
      type: 'ipv4_addr',
      elem: ['10.0.0.7', { prefix: { addr: '10.1.0.0', len: 16 } }, { range: ['10.2.0.5', '10.2.0.9'] }],
    },
  },
  { set: { ...own, name: 'doors', type: ['ipv4_addr', 'inet_proto', 'inet_service'], elem: [{ concat: ['10.0.0.1', 'tcp', 8080] }] } },
  {
    map: {
      ...own,
      name: 'verdicts',
      elem: [
        [{ elem: { val: { concat: ['tcp', 81] }, comment: 'nobody serves it' } }, { drop: null }],
        [{ concat: ['tcp', 80] }, { goto: { target: 'inner' } }],
      ],
    },
  },
]

const packet: Header = { source: ipOf('10.0.0.7'), destination: ipOf('10.0.0.1'), protocol: 6, sourcePort: 40_000, destinationPort: 80 }
const node = (rules: readonly unknown[]) => ({
  kernels: [kernelOf('n', parseNftRuleset(JSON.stringify({ nftables: [...skeleton, ...rules] }), ['calico']), links, routes)],
  nowhere: [],
})
const fate = (rules: readonly unknown[], over: Partial<Header> = {}) => fateOf(node(rules), { by: 'eth0' }, { ...packet, ...over }).fate

describe('matches', () => {
  it.each([
    ['an address', match(payload('ip', 'saddr'), '10.0.0.7'), {}, 'lost'],
    ['a prefix', match(payload('ip', 'saddr'), { prefix: { addr: '10.0.0.0', len: 8 } }, '!='), {}, 'delivered'],
    ['a set of addresses', match(payload('ip', 'saddr'), '@home'), { source: ipOf('10.2.0.7') }, 'lost'],
    ['a set of addresses, not', match(payload('ip', 'saddr'), '@home', '!='), { source: ipOf('10.2.0.10') }, 'lost'],
    ['a port, which stands for its protocol too', match(payload('udp', 'dport'), 80), {}, 'delivered'],
    ['not some ports, which stands for it too', match(payload('udp', 'dport'), { set: [53, { range: [60, 70] }] }, '!='), {}, 'delivered'],
    ['not some ports', match(payload('tcp', 'dport'), { set: [53, { range: [60, 70] }] }, '!='), {}, 'lost'],
    [
      'an address and port in a set',
      match({ concat: [payload('ip', 'daddr'), meta('l4proto'), payload('th', 'dport')] }, '@doors'),
      { destinationPort: 8080 },
      'lost',
    ],
    ['a protocol by name', match(meta('l4proto'), 'vrrp'), { protocol: 112 }, 'lost'],
    ['an ICMP type by name', match(payload('icmp', 'type'), 'echo-request'), { protocol: 1, icmp: { type: 8, code: 0 } }, 'lost'],
    ['an interface by its beginning', match(meta('iifname'), 'eth*'), {}, 'lost'],
    ['a local destination', match({ fib: { result: 'type', flags: ['daddr'] } }, 'local'), {}, 'lost'],
    ['a connection state', match({ ct: { key: 'state' } }, ['established', 'related'], 'in'), {}, 'delivered'],
  ])('%s', (_, condition, over, expected) => {
    expect(fate([rule('input', condition, { counter: { packets: 0, bytes: 0 } }, drop)], over)).toBe(expected)
  })

  it('refuses a statement it does not know, by its rule', () => {
    expect(() => node([rule('input', { quota: { val: 1 } }, drop)])).toThrow(/chain input: .*quota/)
  })
})

describe('marks and maps', () => {
  it('computes marks', () => {
    const set = rule('raw', setMark({ '|': [meta('mark'), 0x10000] }))
    expect(fate([set, rule('input', match({ '&': [meta('mark'), 0x10000] }, 0x10000), drop)])).toBe('lost')
    expect(
      fate([set, rule('raw', setMark({ '&': [meta('mark'), 0xfffeffff] })), rule('input', match({ '&': [meta('mark'), 0x10000] }, 0x10000), drop)]),
    ).toBe('delivered')
  })
  it('finds verdicts by a key, commented elements too; a look-up that finds nothing ends the rule', () => {
    const look = rule('input', { vmap: { key: { concat: [meta('l4proto'), payload('th', 'dport')] }, data: '@verdicts' } }, drop)
    expect(fate([look, rule('inner', { accept: null })])).toBe('delivered')
    expect(fate([look], { destinationPort: 81 })).toBe('lost')
    expect(fate([look], { destinationPort: 82 })).toBe('delivered')
  })
  it('translates to one of several targets', () => {
    const targets = {
      set: [
        [0, { concat: ['10.9.0.2', 80] }],
        [1, { concat: ['10.9.0.2', 81] }],
      ],
    }
    const dnat = { dnat: { family: 'ip', addr: { map: { key: { numgen: { mode: 'random', mod: 2, offset: 0 } }, data: targets } } } }
    expect(fate([rule('nat', dnat), rule('forward', match(payload('tcp', 'dport'), 81), drop)])).toBe('both')
  })
})

describe('ct status', () => {
  const notDnat = match({ ct: { key: 'status' } }, 'dnat', '!=')
  const dnat = rule('nat', { dnat: { family: 'ip', addr: '10.9.0.2', port: 80 } })
  it('!= compares the whole word: it holds for a translated packet, and a bit test does too', () => {
    expect(fate([dnat, rule('forward', notDnat, drop)])).toBe('lost')
    expect(fate([dnat, rule('forward', match({ ct: { key: 'status' } }, 'dnat', 'in'), drop)])).toBe('lost')
  })
  it('never matches what connection tracking does not know, such as the answer to what is untracked', () => {
    const untracked = rule('raw', { notrack: null })
    expect(fate([untracked, rule('output', notDnat, drop)])).toBe('delivered')
    expect(fate([untracked, rule('output', match({ ct: { key: 'state' } }, 'invalid', 'in'), drop)])).toBe('lost')
  })
})
