import { describe, expect, it } from 'vitest'
import type { GlobalNetworkPolicy } from '../../src/calico/shapes.ts'
import type { EgressEntry } from '../../src/firewall/file/host-firewall.ts'
import { egressRules } from '../../src/firewall/objects/egress-policy.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { homeFacts } from '../fixtures/home-facts.ts'
import { afterPlan } from './closed-facts.ts'
import { homePlan, noticesOf } from './home-plan.ts'

const entry = (name: string, nets: readonly string[], port?: number): EgressEntry => ({
  name,
  to: { nets: nets.map(parseCidr) },
  traffic: [port === undefined ? { protocol: 47, ports: [] } : { protocol: 'TCP', ports: [{ first: port, last: port }] }],
})
const web = entry('web', ['0.0.0.0/0', '2001:db8::/32'], 443)
const share = entry('share', ['192.168.218.53/32'], 445)
const policy = (of: { readonly policies: readonly object[] }, name: string) =>
  (of.policies as readonly GlobalNetworkPolicy[]).find(({ metadata }) => metadata.name === name)
const finished = (of: { readonly finish: { readonly write: readonly object[] } }) => policy({ policies: of.finish.write }, 'calico-fw-egress')

describe('the rules of an egress allowlist', () => {
  it('leave a /0 out, name the family then, and keep ports', () => {
    expect(egressRules([web, entry('gre', ['::/0'])], 'kube-system').slice(-3)).toEqual([
      { action: 'Allow', ipVersion: 4, protocol: 'TCP', destination: { ports: [443] } },
      { action: 'Allow', protocol: 'TCP', destination: { nets: ['2001:db8::/32'], ports: [443] } },
      { action: 'Allow', ipVersion: 6, protocol: 47, destination: {} },
    ])
  })

  it('are refused where they do not fit into one policy', () => {
    const many = Array.from({ length: 1_020 }, (_, at) => entry(`e${at}`, [`10.${at >> 8}.${at & 255}.0/24`], 443))
    expect(() => egressRules(many, 'kube-system')).toThrow('an egress allowlist of 1020 rules does not fit into one policy')
  })
})

describe('the policies of an egress allowlist', () => {
  const first = homePlan(homeFacts(), { egress: [web] })

  it('are tried by a gate that ends in an Allow, and kept by one that ends in a Deny, for the runs alone', () => {
    const trial = policy(first, 'calico-fw-gate-1-egress')?.spec
    expect(trial).toMatchObject({ order: 50.0015, selector: "calico-fw.github.io/run == '1'", types: ['Egress'] })
    expect(trial?.egress?.slice(-2)).toEqual([
      { action: 'Deny', destination: { selector: "projectcalico.org/namespace == 'calico-fw' && calico-fw.github.io/gate == '1'" } },
      { action: 'Allow' },
    ])
    const kept = finished(first)?.spec
    expect(kept).toMatchObject({ order: 49.9, selector: "calico-fw.github.io/run in {'1'}", types: ['Egress'] })
    expect(kept?.egress?.at(-1)).toEqual({ action: 'Deny' })
    // Pods have their own policies, and preDNAT has no egress.
    for (const spec of [trial, kept]) expect([spec?.applyOnForward, spec?.preDNAT, spec?.ingress]).toEqual([undefined, undefined, undefined])
  })

  it('are none without the word', () => {
    expect(JSON.stringify(homePlan())).not.toContain('egress')
  })

  it('widen at once, narrow on trial, and fall away without the word', () => {
    const facts = afterPlan(homeFacts(), first)
    const next = (egress: readonly EgressEntry[] | undefined) => homePlan(facts, egress === undefined ? {} : { egress }, 2)
    const same = next([web])
    expect([same.batches, same.finish]).toEqual([[], { write: [], remove: [] }])
    const wider = next([web, share])
    expect([wider.batches.length, finished(wider)]).toEqual([0, undefined])
    expect(policy(wider, 'calico-fw-egress')?.spec.selector).toBe("calico-fw.github.io/run in {'1'}")
    const narrower = next([share])
    expect(policy(narrower, 'calico-fw-egress')).toBeUndefined()
    expect([narrower.batches.length > 0, finished(narrower)?.spec.selector]).toEqual([true, "calico-fw.github.io/run in {'2'}"])
    const none = next(undefined)
    expect([none.batches, none.finish.remove.map(({ name }) => name)]).toEqual([[], ['calico-fw-egress']])
  })

  it('are tried again on every node where a kept run has no limit: a client died between the commit and that write', () => {
    const facts = afterPlan(homeFacts(), first)
    const halfWay = { ...facts, policies: facts.policies.filter(({ metadata }) => metadata.name !== 'calico-fw-egress') }
    const plan = homePlan(halfWay, { egress: [web] }, 2)
    expect(plan.batches.flatMap(({ nodes }) => nodes)).toHaveLength(5)
    expect(policy(plan, 'calico-fw-egress')).toBeUndefined()
  })

  it('are named in the plan: what closes, what the file lets out, and that nodes go on living', () => {
    const lines = first.differences.map(({ change, what }) => `${change}: ${what}`)
    expect(lines).toContain('closes: everything these nodes send that is not named below')
    expect(lines).toContain('stays-open: 443/tcp on 0.0.0.0/0, 2001:db8::/32, on the way out')
    expect(lines).not.toContain('stays-open: everything that leaves the nodes')
    expect(homePlan().differences.map(({ what }) => what)).toContain('everything that leaves the nodes')
  })

  it.each([
    ['at a smaller order', { order: 10 }, true],
    ['in another tier', { order: 900, tier: 'platform' }, true],
    ['after it', { order: 900 }, false],
    ['for other endpoints', { order: 10, selector: "role == 'db'" }, false],
    ['that allows nothing', { order: 10, egress: [{ action: 'Pass' as const }] }, false],
  ])('are told from a policy of others %s, which decides first', (_, spec, told) => {
    const theirs: GlobalNetworkPolicy = {
      ...{ apiVersion: 'projectcalico.org/v3', kind: 'GlobalNetworkPolicy', metadata: { name: 'allow-outbound-external' } },
      spec: { selector: 'has(node-endpoint)', types: ['Egress'], egress: [{ action: 'Allow' }], ...spec },
    }
    const facts = { ...homeFacts(), policies: [...homeFacts().policies, theirs] }
    const said = noticesOf(homePlan(facts, { egress: [web] })).filter((text) =>
      text.startsWith('What nodes send meets GlobalNetworkPolicy allow-outbound-external'),
    )
    expect(said).toHaveLength(told ? 1 : 0)
  })

  it('come with the kubelets’ ports on Service calico-fw-nodes, for a node that joins tomorrow', () => {
    const portsOf = (of: typeof first) =>
      (of.sets.find(({ kind }) => kind === 'Service')?.['spec'] as { ports: { port: number }[] } | undefined)?.ports.map(({ port }) => port)
    expect(portsOf(first)).toEqual([9099, 10250])
    expect(portsOf(homePlan())).toEqual([9099])
  })
})
