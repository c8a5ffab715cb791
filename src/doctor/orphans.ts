import { keys, names } from '../calico/names.ts'
import { runOf, standingOf } from '../firewall/facts/standing.ts'
import { addressesOf } from '../firewall/objects/network-sets.ts'
import { hostCidr } from '../net/cidr.ts'
import { netIndex } from '../net/net-index.ts'
import { type Check, error, some, warning } from './check.ts'

/** What is left over, and what the cluster has outgrown. */
export const orphanChecks: readonly Check[] = [
  {
    id: 'FW-D501',
    category: 'orphans',
    title: 'every HostEndpoint’s node exists',
    look: ({ nodes, hostEndpoints }) => {
      const known = new Set(nodes.map(({ name }) => name))
      const orphans = hostEndpoints.filter(({ spec }) => !known.has(spec.node)).map(({ metadata }) => metadata.name)
      return orphans.length === 0
        ? []
        : [
            warning(
              `${some(orphans)} ${orphans.length === 1 ? 'belongs to a node that is' : 'belong to nodes that are'} gone (calico#4015)`,
              `kubectl delete hostendpoint ${orphans.slice(0, 5).join(' ')}`,
            ),
          ]
    },
  },
  {
    id: 'FW-D502',
    category: 'orphans',
    title: 'every FelixConfiguration of one node has its node',
    look: ({ nodes, felixConfigurations }) => {
      const known = new Set(nodes.map(({ name }) => `node.${name}`))
      return felixConfigurations
        .filter(({ metadata }) => metadata.name.startsWith('node.') && !known.has(metadata.name))
        .map(({ metadata }) =>
          warning(`FelixConfiguration ${metadata.name} is for a node that is gone`, `kubectl delete felixconfiguration ${metadata.name}`),
        )
    },
  },
  {
    id: 'FW-D503',
    category: 'orphans',
    title: 'no change of this tool is unfinished',
    look: (facts) => {
      const { runs } = standingOf(facts)
      const unfinished = [...new Set(facts.hostEndpoints.flatMap((one) => runOf(one) ?? []))].filter((run) => !runs.includes(run))
      return unfinished.map((run) =>
        warning(
          `change ${run} has HostEndpoints and is not kept: it is on trial, or nothing closes them`,
          'kubectl calico-fw status; then confirm or rollback',
        ),
      )
    },
  },
  {
    id: 'FW-D504',
    category: 'orphans',
    title: 'the cluster is not held open',
    look: ({ networkSets }) =>
      networkSets.some(({ metadata }) => metadata.name === names.openSet && metadata.labels?.[keys.set] === 'open')
        ? [
            warning(
              `GlobalNetworkSet ${names.openSet} exists: everything is open`,
              'kubectl calico-fw status   # says what may close again, and what is to be undone',
            ),
          ]
        : [],
  },
  {
    id: 'FW-D505',
    category: 'orphans',
    title: 'the kept firewall trusts every IPPool',
    look: (facts) => {
      const { runs, trustedNets } = standingOf(facts)
      const trusted = netIndex(trustedNets)
      const missing = runs.length === 0 ? [] : facts.podCidrs.filter((cidr) => !trusted.covers(cidr))
      return missing.length === 0
        ? []
        : [error(`${some(missing)} came after the firewall: pods there are cut off from other nodes`, 'kubectl calico-fw sync   # it adds them')]
    },
  },
  {
    id: 'FW-D506',
    category: 'orphans',
    title: 'the kept firewall knows every address of every node',
    look: (facts) => {
      const { runs, nodeNets } = standingOf(facts)
      const known = netIndex(nodeNets)
      const missing = runs.length === 0 ? [] : facts.nodes.flatMap((node) => addressesOf(node).filter((address) => !known.covers(hostCidr(address))))
      return missing.length === 0
        ? []
        : [
            warning(
              `${some(missing)} ${missing.length === 1 ? 'is' : 'are'} not in GlobalNetworkSet ${names.nodesSet}`,
              'kubectl calico-fw sync   # it adds them',
            ),
          ]
    },
  },
  {
    id: 'FW-D507',
    category: 'orphans',
    title: 'the kept firewall has a HostEndpoint on every Linux node',
    look: (facts) => {
      const { runs, hostEndpoints } = standingOf(facts)
      const closed = new Set([...hostEndpoints.values()].map(({ spec }) => spec.node))
      const open =
        runs.length === 0
          ? []
          : facts.nodes.filter(({ name, operatingSystem }) => operatingSystem === 'linux' && !closed.has(name)).map(({ name }) => name)
      return open.length === 0
        ? []
        : [warning(`${some(open)} ${open.length === 1 ? 'is' : 'are'} not closed (calico#8840)`, 'kubectl calico-fw sync   # closes it, on trial')]
    },
  },
]
