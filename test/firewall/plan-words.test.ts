import { describe, expect, it } from 'vitest'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { homeFacts, nodeName } from '../fixtures/home-facts.ts'
import { afterPlan } from './closed-facts.ts'
import { homeFirewall } from './home-firewall.ts'
import { homePlan, noticesOf, withNode } from './home-plan.ts'

describe('words', () => {
  it('name what closes, and for whom', () => {
    const { differences } = homePlan()
    expect(differences.filter(({ change }) => change === 'closes').map(({ what }) => what)).toEqual([
      `every port that comes in on ens160 of ${['control1', 'ws1', 'ws2', 'ws3', 'ws4'].map(nodeName).join(', ')} and is not named below`,
      'NodePort 30843/tcp (Service ingress-nginx/ingress) on the closed nodes',
      'NodePort 30880/tcp (Service ingress-nginx/ingress) on the closed nodes',
      'NodePort 31110/tcp (Service app1/app1) on the closed nodes',
      'NodePort 31852/tcp (Service app1/app1-local) on the closed nodes',
      '127.0.0.0/8 of these nodes, for packets from the network',
    ])
    expect(differences).toContainEqual({
      change: 'stays-open',
      what: '80/tcp, 443/tcp on 192.168.218.180/32',
      forWhom: 'everyone',
      because: 'allow entry ingress',
    })
    expect(
      differences.every(({ what, forWhom, because }) => [what, forWhom, because].every((words) => words !== '' && !/undefined|\[object/.test(words))),
    ).toBe(true)
  })

  it('name a load balancer that would be cut off, and its health checks', () => {
    const facts = homeFacts()
    const services = facts.services.map((one) =>
      one.name === 'ingress' ? { ...one, healthCheckNodePort: 32100, externalTrafficPolicy: 'Local' as const } : one,
    )
    const what = homePlan({ ...facts, services }, { allow: [] }).differences.map((one) => one.what)
    expect(what).toContain('80/tcp (Service ingress-nginx/ingress) on 192.168.218.180')
    expect(what).toContain('health-check NodePort 32100/tcp (Service ingress-nginx/ingress) on the closed nodes')
  })

  it('say what stays open to everyone by failsafe', () => {
    expect(noticesOf(homePlan())).toContain(
      'Open to everyone by failsafe, on every node, whatever the file says: 22/tcp, 179/tcp, 2379/tcp, 2380/tcp, 5473/tcp, 6443/tcp, 6666/tcp, 6667/tcp, 7443/tcp, 68/udp.',
    )
  })

  it.each<[string, Facts, RegExp]>([
    ['nodes no entry matches', homeFacts(), /^No entry of spec\.interfaces matches control1/],
    ['IPVS', { ...homeFacts(), kubeProxy: { ...homeFacts().kubeProxy, mode: 'ipvs' } }, /IPVS mode.*has not been measured/],
    ['what was not looked at', homeFacts(), /^Not looked at: INPUT rules of every node/],
    ['unverified interfaces', withNode(homeFacts(), nodeName('ws1'), { interfaces: [] }), /^Not verified.*ens160 on ws1/],
  ])('say %s', (what, facts, notice) => {
    const selector = what.startsWith('nodes no entry')
      ? {
          interfaces: [
            {
              nodeSelector: { matchExpressions: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'DoesNotExist' as const }] },
              names: ['ens160'],
              labels: {},
            },
          ],
        }
      : {}
    expect(homePlan(facts, selector).notices).toContainEqual({ level: 'warning', text: expect.stringMatching(notice) })
  })

  it('say that nothing is matched at all', () => {
    const made = homePlan(homeFacts(), { interfaces: [{ nodeSelector: { matchLabels: { no: 'node' } }, names: ['ens160'], labels: {} }] })
    expect(made.batches).toEqual([])
    expect(made.policies.map(({ metadata }) => metadata.name)).not.toContain('calico-fw-gate-1')
    expect(noticesOf(made)[0]).toBe('No interface of any Ready node is matched: this firewall closes nothing.')
  })

  it('tell a network that a firewall in force comes to trust as an opening, with its danger', () => {
    const facts = afterPlan(homeFacts(), homePlan(homeFacts(), { trustedNets: [] }))
    const opens = homePlan(facts, { trustedNets: [parseCidr('192.168.7.0/24')] }, 2).differences.filter(({ change }) => change === 'opens')
    expect(opens).toEqual([
      {
        change: 'opens',
        what: 'every port of every node and every address',
        forWhom: '192.168.7.0/24',
        because: 'it becomes a trusted network. Danger: everyone in it reaches every port',
      },
    ])
    const trusted = homePlan(facts, { trustedNets: [parseCidr('192.168.7.0/24')] }, 2).differences.find(({ what }) => what === 'everything')
    expect(trusted?.forWhom).not.toContain('192.168.7.0/24')
  })

  it('tell a network that is trusted no more as a closing', () => {
    const facts = afterPlan(homeFacts(), homePlan(homeFacts(), { trustedNets: [parseCidr('192.168.7.0/24')] }))
    const closes = homePlan(facts, { trustedNets: [] }, 2).differences.filter(({ change }) => change === 'closes')
    expect(closes).toContainEqual(expect.objectContaining({ forWhom: '192.168.7.0/24', what: 'what is not named below' }))
  })

  it('tell as an opening only what was closed, whatever the entry is called', () => {
    const [ingress] = homeFirewall().spec.allow
    if (ingress === undefined) throw new Error('no entry')
    const facts = afterPlan(homeFacts(), homePlan(homeFacts(), { allow: [{ ...ingress, from: { nets: [parseCidr('10.9.0.0/16')] } }] }))
    const opens = (allow: readonly (typeof ingress)[]) =>
      homePlan(facts, { allow }, 2).differences.flatMap(({ change, because }) => (change === 'opens' ? [because] : []))
    const narrow = { ...ingress, name: 'other', from: { nets: [parseCidr('10.9.8.0/24')] } }
    const failsafe = { ...ingress, name: 'api', traffic: [{ protocol: 'TCP' as const, ports: [{ first: 6443, last: 6443 }] }] }
    expect(opens([ingress])).toEqual(['allow entry ingress'])
    expect(opens([{ ...ingress, from: { nets: [parseCidr('10.9.0.0/16')] } }, narrow, failsafe])).toEqual([])
  })
})
