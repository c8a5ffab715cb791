import { describe, expect, it } from 'vitest'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import { makeAddVip } from '../../src/firewall/plan/add-vip.ts'
import type { Explanation } from '../../src/firewall/plan/explain-vip.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import { type VipRequest, vipEntry, vipFailsafes } from '../../src/firewall/plan/vip-entry.ts'
import { parseAddress } from '../../src/net/address.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { parsePortSpec } from '../../src/net/port.ts'
import { homeFacts } from '../fixtures/home-facts.ts'
import { afterPlan } from './closed-facts.ts'
import { homeFirewall } from './home-firewall.ts'

const request = (address: string, ports: string[], from: string[] = [], name?: string): VipRequest => ({
  address: parseAddress(address),
  ports: ports.map(parsePortSpec),
  from: from.map(parseCidr),
  ...(name === undefined ? {} : { name }),
})
const closed = (): Facts => afterPlan(homeFacts(), makePlan({ firewall: homeFirewall(), facts: homeFacts(), change: 1, windowSeconds: 90 }))
const add = (of: VipRequest, facts = closed(), failsafe = false) => {
  const existing = homeFirewall()
  const entry = vipEntry(of, new Set(existing.spec.allow.map(({ name }) => name)))
  return makeAddVip({ facts, existing, entry, failsafes: failsafe ? vipFailsafes(of) : [] })
}
const kinds = (explanations: readonly Explanation[]): string[] => explanations.map(({ kind }) => kind)

describe('add-vip', () => {
  it('is one policy, and the file with it', () => {
    const made = add(request('192.168.218.174', ['31110/tcp'], ['192.168.218.53/32']))
    expect(made.policies).toEqual([
      {
        apiVersion: 'projectcalico.org/v3',
        kind: 'GlobalNetworkPolicy',
        metadata: {
          name: 'calico-fw-allow-vip-192-168-218-174-31110',
          labels: { 'app.kubernetes.io/managed-by': 'calico-fw', 'calico-fw.github.io/policy': 'allow' },
        },
        spec: {
          tier: 'default',
          order: 300.002,
          selector: 'has(calico-fw.github.io/run)',
          types: ['Ingress'],
          preDNAT: true,
          applyOnForward: true,
          ingress: [
            {
              action: 'Allow',
              protocol: 'TCP',
              source: { nets: ['192.168.218.53/32'] },
              destination: { nets: ['192.168.218.174/32'], ports: [31110] },
            },
          ],
        },
      },
    ])
    expect([made.failsafes, made.explanations]).toEqual([undefined, []])
    expect(made.firewall.spec.allow.map(({ name }) => name)).toEqual(['ingress', 'api-vip', 'vip-192-168-218-174-31110'])
    expect(JSON.stringify(made.configMap)).toContain('vip-192-168-218-174-31110')
  })

  it('stays one: init with the file it gives writes nothing more', () => {
    const made = add(request('192.168.218.174', ['31110/tcp'], ['192.168.218.53/32']))
    const facts = closed()
    const after = { ...facts, policies: [...facts.policies, ...made.policies] }
    const next = makePlan({ firewall: made.firewall, facts: after, change: 3, windowSeconds: 90 })
    expect([next.batches, next.finish, next.policies.find(({ metadata }) => metadata.name === made.policies[0]?.metadata.name)]).toEqual([
      [],
      { write: [], remove: [] },
      made.policies[0],
    ])
  })

  it('is seen open only from where it is open', () => {
    expect(add(request('192.168.218.174', ['31110/tcp'])).opened.map(({ id }) => id)).toEqual(['tcp/192.168.218.174/31110'])
    expect(add(request('192.168.218.174', ['31110/tcp'], ['192.168.218.170/32'])).opened.map(({ id }) => id)).toEqual(['tcp/192.168.218.174/31110'])
    const elsewhere = add(request('192.168.218.174', ['31110/tcp'], ['192.168.218.53/32']))
    expect(elsewhere.opened).toEqual([])
    expect(elsewhere.probes.find(({ id }) => id === 'tcp/192.168.218.174/31110')?.expect).toBe('closed')
    expect(elsewhere.probes.filter(({ expect: one }) => one === 'open').map(({ id }) => id)).toContain('kubeconfig')
  })

  it('takes several ports and protocols', () => {
    expect(add(request('2001:db8::5', ['80/tcp', '30000-30010/tcp', '53/udp'])).policies[0]?.spec.ingress).toEqual([
      { action: 'Allow', protocol: 'TCP', destination: { nets: ['2001:db8::5/128'], ports: [80, '30000:30010'] } },
      { action: 'Allow', protocol: 'UDP', destination: { nets: ['2001:db8::5/128'], ports: [53] } },
    ])
  })

  it('with --failsafe extends the failsafes by the same ports, for good', () => {
    const made = add(request('192.168.218.190', ['9345/tcp']), closed(), true)
    expect(made.failsafes?.added).toEqual([{ direction: 'inbound', port: { protocol: 'TCP', port: 9345 }, reason: 'extraFailsafePorts of the file' }])
    expect(made.failsafes?.after.inbound.slice(-2)).toEqual([
      { protocol: 'TCP', port: 7443 },
      { protocol: 'TCP', port: 9345 },
    ])
    expect(made.firewall.spec.extraFailsafePorts.inbound).toEqual([
      { protocol: 'TCP', port: 7443 },
      { protocol: 'TCP', port: 9345 },
    ])
  })

  it.each<[string, VipRequest, string[], RegExp]>([
    ['open already', request('192.168.218.180', ['80/tcp']), ['open-already'], /80\/tcp is open already: allow entry ingress lets in everyone/],
    ['open already, for fewer', request('192.168.218.180', ['443/tcp'], ['192.168.218.53/32']), ['open-already'], /lets in everyone/],
    ['half open: not said', request('192.168.218.180', ['80-81/tcp']), [], /^$/],
    [
      'a failsafe',
      request('192.168.218.190', ['22/tcp']),
      ['failsafe'],
      /^22\/tcp is open to everyone on every address of every node already: it is a failsafe\.$/,
    ],
    [
      'a failsafe it would narrow',
      request('192.168.218.190', ['20-30/tcp'], ['192.168.218.53/32']),
      ['failsafe'],
      /can not narrow it to 192\.168\.218\.53\/32/,
    ],
    ['outside every node network', request('198.51.100.7', ['80/tcp']), ['outside'], /198\.51\.100\.7\/32 lies outside every known network/],
    ['a pod', request('10.233.64.9', ['80/tcp']), ['pod-address'], /lies in 10\.233\.64\.0\/18/],
    [
      'sources that are trusted',
      request('192.168.218.190', ['80/tcp'], ['10.233.0.0/24', '192.168.218.171/32']),
      ['trusted-sources'],
      /has full access already/,
    ],
    ['a VIP of a Service elsewhere', request('192.168.218.180', ['8080/tcp']), [], /^$/],
  ])('explains, and refuses nothing: %s', (_, of, expected, text) => {
    const { explanations, policies } = add(of)
    expect(kinds(explanations)).toEqual(expected)
    expect(explanations.map((one) => one.text).join(' ')).toMatch(text)
    expect(policies).toHaveLength(1)
  })

  it('explains that nothing is closed yet', () => {
    expect(kinds(add(request('192.168.218.190', ['80/tcp']), homeFacts()).explanations)).toEqual(['no-firewall'])
  })

  it('believes the cluster about networks wider than a /24', () => {
    const facts = closed()
    const wide = { ...facts, nodes: facts.nodes.map((node) => ({ ...node, networks: [parseCidr('192.168.0.0/16')] })) }
    expect(kinds(add(request('192.168.7.9', ['80/tcp'])).explanations)).toEqual(['outside'])
    expect(kinds(add(request('192.168.7.9', ['80/tcp']), wide).explanations)).toEqual([])
  })
})

describe('names and failsafes of add-vip', () => {
  it('makes a free name', () => {
    const of = request('192.168.218.174', ['80/tcp'])
    expect(vipEntry(of, new Set()).name).toBe('vip-192-168-218-174-80')
    expect(vipEntry(of, new Set(['vip-192-168-218-174-80', 'vip-192-168-218-174-80-b'])).name).toBe('vip-192-168-218-174-80-c')
    expect(vipEntry(request('2001:db8:1111:2222:3333:4444:5555:6666', ['65535/tcp']), new Set()).name.length).toBeLessThanOrEqual(47)
    expect(vipEntry(request('fd00::', ['80/tcp']), new Set()).name).toBe('vip-fd00-80')
  })

  it.each([
    ['a name that is taken', request('10.0.0.1', ['80/tcp'], [], 'ingress'), 'FW_USAGE', /exists already/],
    ['a name no policy can have', request('10.0.0.1', ['80/tcp'], [], 'My App'), 'FW_USAGE', /names no allow entry/],
  ])('refuses %s', (_, of, code, message) => {
    expect(() => vipEntry(of, new Set(['ingress']))).toThrow(
      expect.objectContaining({ code, exit: 2, message: expect.stringMatching(message), fix: expect.any(String) }),
    )
  })

  it.each([
    ['SCTP', request('10.0.0.1', ['80/sctp']), /80\/sctp cannot be a failsafe/],
    ['a range', request('10.0.0.1', ['80-90/tcp']), /80-90\/tcp cannot be a failsafe/],
    ['sources', request('10.0.0.1', ['80/tcp'], ['10.0.0.0/8']), /contradict each other/],
  ])('refuses a failsafe with %s', (_, of, message) => {
    expect(() => vipFailsafes(of)).toThrow(
      expect.objectContaining({ code: 'FW_BAD_FAILSAFE', exit: 2, message: expect.stringMatching(message), why: expect.any(String) }),
    )
  })
})
