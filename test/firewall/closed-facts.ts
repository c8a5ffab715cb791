import type { FailsafePort, GlobalNetworkPolicy, HostEndpoint, NetworkSet } from '../../src/calico/shapes.ts'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import type { Plan } from '../../src/firewall/plan/plan.ts'

/** The facts once a plan is committed, or, with `committed: false`, once it has expired: everything written but the lasting Deny. */
export const afterPlan = (facts: Facts, plan: Plan, { committed = true }: { committed?: boolean } = {}): Facts => {
  const written = plan.batches.flatMap(({ hostEndpoints }) => hostEndpoints)
  const policies = [...plan.policies.filter(({ metadata }) => !committed || !metadata.name.includes('-gate-')), ...(committed ? [plan.deny] : [])]
  const sets = plan.sets.filter(({ kind }) => kind === 'GlobalNetworkSet')
  const finish = committed ? plan.finish : { write: [], remove: [] }
  const removed = new Set(finish.remove.map(({ kind, name }) => `${kind} ${name}`))
  const merged = <Item extends { readonly kind: string; readonly metadata: { readonly name: string } }>(
    old: readonly Item[],
    now: readonly Item[],
  ): Item[] =>
    [...new Map([...old, ...now].map((one) => [`${one.kind} ${one.metadata.name}`, one])).entries()].flatMap(([key, one]) =>
      removed.has(key) ? [] : [one],
    )
  return {
    ...facts,
    hostEndpoints: merged(facts.hostEndpoints, written as HostEndpoint[]),
    policies: merged(facts.policies, [...policies, ...finish.write.filter(({ kind }) => kind === 'GlobalNetworkPolicy')] as GlobalNetworkPolicy[]),
    networkSets: merged(facts.networkSets, [...sets, ...finish.write.filter(({ kind }) => kind === 'GlobalNetworkSet')] as NetworkSet[]),
    own: merged(facts.own, plan.sets),
    ...(plan.failsafes === undefined
      ? {}
      : {
          failsafes: Object.fromEntries(Object.keys(facts.failsafes).map((node) => [node, followingDefault(plan.failsafes?.after)])),
          felixConfigurations: facts.felixConfigurations.map((one) =>
            one.metadata.name === 'default'
              ? {
                  ...one,
                  spec: {
                    ...one.spec,
                    failsafeInboundHostPorts: plan.failsafes?.after.inbound ?? [],
                    failsafeOutboundHostPorts: plan.failsafes?.after.outbound ?? [],
                  },
                }
              : one,
          ),
        }),
  }
}

const followingDefault = (
  after: { readonly inbound: readonly FailsafePort[]; readonly outbound: readonly FailsafePort[] } = { inbound: [], outbound: [] },
) => {
  const source = { kind: 'felixconfiguration', name: 'default' } as const
  return { inbound: { ports: after.inbound, source }, outbound: { ports: after.outbound, source } }
}
