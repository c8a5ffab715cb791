import { isDnsLabel } from '../calico/name-limits.ts'
import { isOurs, keys, names, ownLabels } from '../calico/names.ts'
import { readNet } from '../calico/nets.ts'
import type { KubeObject } from '../calico/object.ts'
import { v3 } from '../calico/resources.ts'
import { policyProblems } from '../calico/rule-limits.ts'
import type { GlobalNetworkPolicy, HostEndpoint, Rule } from '../calico/shapes.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import { foreignDangers } from '../proof/foreign-dangers.ts'
import { type Check, error, some, warning } from './check.ts'

const foreign = ({ policies }: Facts): GlobalNetworkPolicy[] => policies.filter((policy) => !isOurs(policy))
const edit = ({ metadata }: KubeObject): string => `kubectl edit globalnetworkpolicy ${metadata.name}`

/** HostEndpoints as `init` would write them, of a run that no policy can know yet. */
const tomorrow = ({ nodes }: Facts): HostEndpoint[] =>
  nodes
    .filter(({ operatingSystem }) => operatingSystem === 'linux')
    .map(({ name, interfaces }) => ({
      apiVersion: v3,
      kind: 'HostEndpoint',
      metadata: { name: `${name}-tomorrow`, labels: ownLabels({ [keys.run]: '0' }) },
      spec: { node: name, interfaceName: interfaces[0]?.name ?? 'eth0', profiles: [names.defaultAllowProfile] },
    }))

const loopback = readNet('127.0.0.0/8')
const touchesLoopback = (net: string): boolean => {
  const range = readNet(net)
  return range !== undefined && loopback !== undefined && range.family === 4 && range.first <= loopback.last && loopback.first <= range.last
}
const isAllow = ({ action }: Rule): boolean => action === 'Allow'

/** An ICMP code over nftables: Felix 3.32 writes a rule nft refuses, and with it loses its whole table, again and again (measured). */
const icmpCodes = ({ spec }: GlobalNetworkPolicy) =>
  [...(spec.ingress ?? []), ...(spec.egress ?? [])].flatMap(({ icmp, notICMP }) =>
    icmp?.code === undefined && notICMP?.code === undefined
      ? []
      : [{ path: 'an ICMP code', text: 'stops Felix in nftables mode, and its node then has no rules of Calico’s at all' }],
  )

/** Policies of others, and what is wrong with any. */
export const policyChecks: readonly Check[] = [
  {
    id: 'FW-D411',
    category: 'foreign policies',
    title: 'no foreign policy would govern this tool’s HostEndpoints',
    look: (facts) =>
      foreignDangers({ plannedHostEndpoints: tomorrow(facts), policies: foreign(facts), hostEndpoints: [], tiers: facts.tiers }).map(
        ({ object, why, remedy }) => error(`${object}: ${why}`, remedy),
      ),
  },
  {
    id: 'FW-D412',
    category: 'foreign policies',
    title: 'every policy is one Felix can carry out',
    look: (facts) =>
      foreign(facts)
        .map((policy) => ({
          policy,
          problems: [
            ...policyProblems(policy.spec).filter(({ path }) => !/^spec\.(types|order)$/.test(path)),
            ...(facts.calico.dataplane === 'nftables' ? icmpCodes(policy) : []),
          ],
        }))
        .filter(({ problems }) => problems.length > 0)
        .map(({ policy, problems }) =>
          warning(`GlobalNetworkPolicy ${policy.metadata.name}: ${problems[0]?.path} ${problems[0]?.text}`, edit(policy)),
        ),
  },
  {
    id: 'FW-D413',
    category: 'foreign policies',
    title: 'every policy writes its types',
    look: (facts) =>
      foreign(facts)
        .filter(({ spec }) => !spec.types?.length)
        .map((policy) =>
          warning(
            `GlobalNetworkPolicy ${policy.metadata.name} has no types: where nothing defaults them it governs both directions, and cuts what it does not allow`,
            edit(policy),
          ),
        ),
  },
  {
    id: 'FW-D414',
    category: 'foreign policies',
    title: 'policy names survive an upgrade',
    look: (facts) =>
      foreign(facts)
        .filter(({ metadata }) => !isDnsLabel(metadata.name.replace(/^default\./, '')))
        .map((policy) =>
          warning(
            `GlobalNetworkPolicy ${policy.metadata.name} has a dot in its name: versions read it differently (calico#9437, #10364)`,
            'rename it: one DNS label',
          ),
        ),
  },
  {
    id: 'FW-D415',
    category: 'foreign policies',
    title: 'no policy hands the nodes’ localhost services to the network',
    look: (facts) =>
      foreign(facts)
        .filter(({ spec }) => (spec.ingress ?? []).some((rule) => isAllow(rule) && rule.destination?.nets?.some(touchesLoopback)))
        .map((policy) =>
          error(
            `GlobalNetworkPolicy ${policy.metadata.name} allows packets to 127.0.0.0/8: with route_localnet they reach localhost services from the LAN`,
            `${edit(policy)}   # delete that rule: loopback needs none`,
          ),
        ),
  },
  {
    id: 'FW-D416',
    category: 'foreign policies',
    title: 'no policy opens a port on every pod',
    look: (facts) =>
      foreign(facts)
        .filter(({ spec }) => spec.preDNAT !== true && /^(all\(\))?$/.test((spec.selector ?? '').trim()) && !spec.namespaceSelector)
        .filter(({ spec }) =>
          (spec.ingress ?? []).some(
            (rule) => isAllow(rule) && rule.destination?.ports?.length && !rule.destination.nets?.length && !rule.destination.selector,
          ),
        )
        .map((policy) =>
          warning(
            `GlobalNetworkPolicy ${policy.metadata.name} selects everything and allows a port without a destination: it opens it on all pods too (calico#2333)`,
            edit(policy),
          ),
        ),
  },
  {
    id: 'FW-D417',
    category: 'foreign policies',
    title: 'no allow for hosts trusts labels a tenant can set',
    look: (facts) =>
      foreign(facts)
        .filter(({ spec }) => spec.preDNAT === true)
        .filter(({ spec }) => (spec.ingress ?? []).some((rule) => isAllow(rule) && rule.source?.selector && !rule.source.namespaceSelector))
        .map((policy) =>
          warning(
            `GlobalNetworkPolicy ${policy.metadata.name} allows by a label any tenant’s NetworkSet can carry`,
            `${edit(policy)}   # add namespaceSelector: global() to that source`,
          ),
        ),
  },
  {
    id: 'FW-D418',
    category: 'foreign policies',
    title: 'no tier of others ends in a drop',
    look: ({ tiers }) => {
      const dropping = tiers
        .filter(
          ({ metadata, spec }) =>
            !['default', 'kube-admin', 'kube-baseline', 'adminnetworkpolicy', 'baselineadminnetworkpolicy'].includes(metadata.name) &&
            spec?.defaultAction !== 'Pass',
        )
        .map(({ metadata }) => metadata.name)
      return dropping.length === 0
        ? []
        : [
            warning(
              `${some(dropping)}: whatever a policy there selects and does not allow is dropped, HostEndpoints included`,
              `kubectl get globalnetworkpolicies -l projectcalico.org/tier=${dropping[0]}`,
            ),
          ]
    },
  },
  {
    id: 'FW-D419',
    category: 'foreign policies',
    title: 'every object is in one API group only',
    look: ({ duplicates }) =>
      duplicates.map(({ kind, v3: shown, storage }) =>
        error(
          `${kind} ${storage} stands in crd.projectcalico.org/v1 ${shown === '' ? 'alone, where kubectl users do not see it' : `and as ${shown} in projectcalico.org/v3`} (calico#6412)`,
          `kubectl get ${kind.toLowerCase()}s.crd.projectcalico.org ${storage} -o yaml   # then delete the one that is not wanted`,
        ),
      ),
  },
]
