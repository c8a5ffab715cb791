import { describe, expect, it } from 'vitest'
import { type Header, ipOf } from './header.ts'
import { parseIptablesSave } from './iptables-save.ts'
import { kernelOf } from './kernel.ts'
import { fateOf, type Origin } from './network.ts'
import { parseIpSets } from './sets.ts'

const links = JSON.stringify([
  { ifname: 'lo', addr_info: [{ family: 'inet', local: '127.0.0.1', scope: 'host' }] },
  { ifname: 'eth0', addr_info: [{ family: 'inet', local: '10.0.0.1', scope: 'global' }] },
])
const routes = JSON.stringify([
  { dst: 'default', gateway: '10.0.0.254', dev: 'eth0' },
  { dst: '10.0.0.0/24', dev: 'eth0' },
  { dst: '10.9.0.2', dev: 'cali1' },
  { type: 'local', dst: '10.0.0.1', dev: 'eth0', table: 'local' },
  { type: 'local', dst: '127.0.0.0/8', dev: 'lo', table: 'local' },
])

const sets = `create home hash:net family inet
add home 10.0.0.0/25
add home 10.0.0.200
create doors hash:ip,port family inet
add doors 10.0.0.1,tcp:8080
`

const table = (name: string, rules: string, chains = '') =>
  `*${name}\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n${chains}${rules}\nCOMMIT\n`

const node = (dump: string) => ({ kernels: [kernelOf('n', parseIptablesSave(dump, 4, parseIpSets(sets)), links, routes)], nowhere: [] })

const packet = (over: Partial<Header> = {}): Header => ({
  source: ipOf('10.0.0.7'),
  destination: ipOf('10.0.0.1'),
  protocol: 6,
  sourcePort: 40_000,
  destinationPort: 80,
  ...over,
})

const wire: Origin = { by: 'eth0' }
const fate = (dump: string, over: Partial<Header> = {}, origin: Origin = wire) => fateOf(node(dump), origin, packet(over)).fate

describe('matches', () => {
  it.each([
    ['-s 10.0.0.7/32 -j DROP', {}, 'lost'],
    ['! -s 10.0.0.0/24 -j DROP', {}, 'delivered'],
    ['-d 10.0.0.1/32 -p tcp -m tcp --dport 80 -j DROP', {}, 'lost'],
    ['-p udp -j DROP', {}, 'delivered'],
    ['-p tcp -m multiport --dports 22,80:90,443 -j DROP', { destinationPort: 85 }, 'lost'],
    ['-p tcp -m multiport ! --dports 22,80:90 -j DROP', { destinationPort: 91 }, 'lost'],
    ['-p tcp -m multiport --sports 40000 -j DROP', {}, 'lost'],
    ['-p icmp -m icmp --icmp-type 8/0 -j DROP', { protocol: 1, icmp: { type: 8, code: 0 } }, 'lost'],
    ['-p icmp -m icmp ! --icmp-type 3 -j DROP', { protocol: 1, icmp: { type: 3, code: 1 } }, 'delivered'],
    ['-p 112 -j DROP', { protocol: 112 }, 'lost'],
    ['-m set --match-set home src -j DROP', {}, 'lost'],
    ['-m set --match-set home src -j DROP', { source: ipOf('10.0.0.201') }, 'delivered'],
    ['-m set ! --match-set home src -j DROP', { source: ipOf('10.0.0.201') }, 'lost'],
    ['-m set --match-set doors dst,dst -j DROP', { destinationPort: 8080 }, 'lost'],
    ['-m set --match-set doors dst,dst -j DROP', { destinationPort: 8080, protocol: 17 }, 'delivered'],
    ['-i eth+ -j DROP', {}, 'lost'],
    ['-i lo -j DROP', {}, 'delivered'],
    ['-m conntrack --ctstate NEW -j DROP', {}, 'lost'],
    ['-m conntrack --ctstate RELATED,ESTABLISHED -j DROP', {}, 'delivered'],
    ['-m conntrack ! --ctstate DNAT -j DROP', {}, 'lost'],
    ['-m addrtype --dst-type LOCAL -j REJECT --reject-with icmp-port-unreachable', {}, 'lost'],
    ['-m comment --comment "a word; -j ACCEPT" -j DROP', {}, 'lost'],
  ] as const)('%s', (rule, over, expected) => {
    expect(fate(table('filter', `-A INPUT ${rule}`), over)).toBe(expected)
  })

  it.each(['-m quota --quota 10 -j DROP', '-m set --match-set unheard src -j DROP', '-m addrtype --dst-type BROADCAST -j DROP'])(
    '%s is refused, not skipped',
    (rule) => {
      expect(() => node(table('filter', `-A INPUT ${rule}`))).toThrow(/table filter/)
    },
  )
})

describe('chains', () => {
  const chains = ':one - [0:0]\n:two - [0:0]\n'
  it('comes back from a jump, and from a goto to whoever jumped', () => {
    const rules = '-A INPUT -j one\n-A INPUT -j DROP\n-A one -g two\n-A one -j ACCEPT\n-A two -j RETURN'
    expect(fate(table('filter', rules, chains))).toBe('lost')
  })
  it('ends a table with ACCEPT, not the packet’s way', () => {
    expect(fate(`${table('mangle', '-A PREROUTING -j ACCEPT\n-A PREROUTING -j DROP')}${table('filter', '-A INPUT -j DROP')}`)).toBe('lost')
  })
  it('carries marks from table to table', () => {
    const dump = `${table('mangle', '-A PREROUTING -j MARK --set-xmark 0x10000/0x10000')}${table('filter', '-A INPUT -m mark --mark 0x10000/0x10000 -j ACCEPT\n-A INPUT -j DROP')}`
    expect(fate(dump)).toBe('delivered')
  })
})

describe('translation', () => {
  const dnat = (to: string) => table('nat', `-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination ${to}`)
  it('routes by the new destination, and DNAT shows to later rules', () => {
    expect(fate(`${dnat('10.9.0.2:8080')}${table('filter', '-A INPUT -j DROP')}`)).toBe('delivered')
    expect(
      fate(`${dnat('10.9.0.2:8080')}${table('filter', '-A FORWARD -o cali1 -p tcp -m tcp --dport 8080 -m conntrack --ctstate DNAT -j DROP')}`),
    ).toBe('lost')
  })
  it('throws dice both ways', () => {
    const rules =
      '-A PREROUTING -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.9.0.2:80\n-A PREROUTING -j DNAT --to-destination 10.9.0.2:81'
    const dump = `${table('nat', rules)}${table('filter', '-A FORWARD -p tcp -m tcp --dport 81 -j DROP')}`
    expect(fate(dump)).toBe('both')
  })
  it('shows a masqueraded sender to the next node only', () => {
    const masquerade = table('nat', '-A POSTROUTING -j MASQUERADE --random-fully')
    expect(
      fate(`${masquerade}${table('mangle', '-A POSTROUTING -s 10.0.0.1/32 -j DROP')}`, { destination: ipOf('10.9.0.2') }, { via: 'n', by: 'eth0' }),
    ).toBe('delivered')
  })
})

describe('a process of the node', () => {
  it('meets OUTPUT with the interface it leaves by, and comes back over lo', () => {
    const own = { source: ipOf('10.0.0.1') }
    expect(fate(table('filter', '-A OUTPUT -o eth0 -j DROP'), { ...own, destination: ipOf('10.0.0.9') }, { node: 'n' })).toBe('lost')
    expect(fate(table('filter', '-A INPUT -i lo -j DROP'), own, { node: 'n' })).toBe('lost')
    expect(fate(table('filter', '-A INPUT -i eth0 -j DROP'), own, { node: 'n' })).toBe('delivered')
  })
})

describe('what is not tracked', () => {
  const raw = (out: string) => table('raw', `-A PREROUTING -j NOTRACK\n${out}`)
  it('has an answer that no connection knows: INVALID for TCP', () => {
    const filter = table('filter', '-A OUTPUT -m conntrack --ctstate INVALID -j DROP')
    expect(fate(`${raw('')}${filter}`)).toBe('lost')
    expect(fate(`${raw('-A OUTPUT -j NOTRACK')}${filter}`)).toBe('delivered')
    expect(fate(filter)).toBe('delivered')
  })
  it('is not translated', () => {
    expect(
      fate(
        `${raw('-A OUTPUT -j NOTRACK')}${table('nat', '-A PREROUTING -j DNAT --to-destination 10.9.0.2:1')}${table('filter', '-A FORWARD -j DROP')}`,
      ),
    ).toBe('delivered')
  })
})
