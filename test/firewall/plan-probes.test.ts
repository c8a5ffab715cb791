import { describe, expect, it } from 'vitest'
import { parseAddress } from '../../src/net/address.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { homeFacts, nodeName } from '../fixtures/home-facts.ts'
import { homePlan, noticesOf, probesOf, withNode } from './home-plan.ts'

describe('probes', () => {
  it('ask for lifelines open and everything else closed, from outside', () => {
    const made = homePlan()
    expect(probesOf(made, 'open').filter((id) => !/kubelet|node-|calico-node/.test(id))).toEqual([
      'kubeconfig',
      'api/192.168.218.171/6443',
      'api/192.168.218.189/7443',
      ...[171, 174, 175, 176, 177].map((last) => `tcp/192.168.218.${last}/22`),
      'tcp/192.168.218.180/80',
      'tcp/192.168.218.180/443',
      'tcp/192.168.218.189/7443',
    ])
    expect(probesOf(made, 'closed')).toHaveLength(5 * (4 + 1))
    expect(probesOf(made, 'closed').every((id) => made.probes.find((probe) => probe.id === id)?.node !== undefined)).toBe(true)
    expect(new Set(made.probes.map(({ id }) => id)).size).toBe(made.probes.length)
    for (const kind of ['kubelet', 'node-ready', 'node-lease', 'calico-node'])
      expect(made.probes.filter(({ id }) => id.startsWith(`${kind}/`))).toHaveLength(5)
  })

  it.each([
    ['a trusted machine', { operatorAddresses: [parseAddress('10.233.64.9')] }, /not applicable/],
    ['a node', { operatorAddresses: [parseAddress('192.168.218.171')] }, /not applicable/],
    ['a machine with unknown address', { operatorAddresses: [] }, /not known which address/],
  ])('from %s nothing is expected closed, and that is said', (_, change, notice) => {
    const made = homePlan({ ...homeFacts(), ...change })
    expect(probesOf(made, 'closed')).toEqual([])
    expect(noticesOf(made)).toContainEqual(expect.stringMatching(notice))
  })

  it('a NodePort is open for whom an entry names, closed for others', () => {
    const entry = (net: string) =>
      ({
        allow: [
          {
            name: 'app1',
            to: { nodes: true },
            from: { nets: [parseCidr(net)] },
            traffic: [{ protocol: 'TCP', ports: [{ first: 31110, last: 31110 }] }],
          },
        ],
      }) as const
    expect(probesOf(homePlan(homeFacts(), entry('192.168.218.170/32')), 'open')).toContain('tcp/192.168.218.174/31110')
    expect(probesOf(homePlan(homeFacts(), entry('192.168.218.53/32')), 'closed')).toContain('tcp/192.168.218.174/31110')
  })

  it('a VIP the file leaves out is asked for once the last node is closed, or never while a node stays open', () => {
    const closing = homePlan(homeFacts(), { allow: [] }).probes.find(({ id }) => id === 'tcp/192.168.218.180/80')
    expect(closing).toMatchObject({ expect: 'closed', node: nodeName('control1') })
    const open = withNode(homeFacts(), nodeName('ws1'), { ready: false })
    expect(homePlan(open, { allow: [] }).probes.some(({ id }) => id === 'tcp/192.168.218.180/80')).toBe(false)
  })

  it('a port behind an interface that stays open is not expected closed', () => {
    const facts = withNode(homeFacts(), nodeName('ws1'), {
      interfaces: [
        { name: 'ens160', addresses: [], source: 'x' },
        { name: 'ens192', addresses: [parseAddress('192.168.218.174')], source: 'x' },
      ],
    })
    expect(probesOf(homePlan(facts), 'closed').filter((id) => id.includes('.174/'))).toEqual([])
    expect(noticesOf(homePlan(facts))).toContainEqual(`Interfaces that stay open: ens192 on ${nodeName('ws1')}.`)
  })

  it('many NodePorts are shared out among the nodes', () => {
    const facts = homeFacts()
    const [, ingress] = facts.services
    if (ingress === undefined) throw new Error('no service')
    const services = [
      { ...ingress, ports: Array.from({ length: 60 }, (_, at) => ({ protocol: 'TCP' as const, port: at + 1, nodePort: 30000 + at })) },
    ]
    const closed = probesOf(homePlan({ ...facts, services }), 'closed').filter((id) => /\/30\d\d\d$/.test(id))
    expect(closed).toHaveLength(5 * 16)
    expect(new Set(closed.map((id) => id.split('/')[2])).size).toBe(60)
  })
})
