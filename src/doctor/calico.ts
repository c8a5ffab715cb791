import { formatRef, refOf } from '../calico/object.ts'
import { isAtLeast } from '../calico/version.ts'
import { type Check, error, some, warning } from './check.ts'

const isWorld = (net: unknown): boolean => typeof net === 'string' && /\/0+$/.test(net)

/** Flavour, version, health. */
export const calicoChecks: readonly Check[] = [
  {
    id: 'FW-D101',
    category: 'Calico',
    title: 'Calico keeps its objects where this tool writes them',
    look: ({ calico: { flavour } }) => {
      if (flavour === 'etcd')
        return [error('Calico stores its objects in etcd, not in Kubernetes', 'use calicoctl there; this tool needs the Kubernetes datastore')]
      if (flavour === 'migrating')
        return [error('Calico is between two stores: a migration is under way', 'kubectl get datastoremigrations; wait until it is done')]
      if (flavour === 'storage')
        return [
          warning(
            'only the storage group crd.projectcalico.org/v1 is served: it validates nothing, and objects are written there as calicoctl writes them',
            'install Calico’s API server, or native v3 CRDs (Calico 3.32)',
          ),
        ]
      return []
    },
  },
  {
    id: 'FW-D102',
    category: 'Calico',
    title: 'Calico’s version is known, and 3.20 or newer',
    look: ({ calico: { version } }) => {
      const known = isAtLeast(version, [3, 20])
      if (known === undefined) return [warning('Calico does not tell its version', 'kubectl get clusterinformations default -o yaml')]
      return known ? [] : [error(`Calico is ${version}`, 'upgrade Calico: this tool knows 3.20 and newer')]
    },
  },
  {
    id: 'FW-D103',
    category: 'Calico',
    title: 'calico-node runs and is ready on every Linux node',
    look: ({ nodes, calico: { namespace } }) => {
      const linux = nodes.filter(({ operatingSystem }) => operatingSystem === 'linux')
      const without = linux.filter(({ calicoNode }) => calicoNode === undefined).map(({ name }) => name)
      const unready = linux.filter(({ calicoNode }) => calicoNode?.ready === false).map(({ calicoNode }) => calicoNode?.pod ?? '')
      return [
        ...(without.length === 0 ? [] : [error(`no calico-node pod on ${some(without)}`, `kubectl get daemonset -n ${namespace}`)]),
        ...(unready.length === 0
          ? []
          : [
              error(
                `${some(unready)} ${unready.length === 1 ? 'is' : 'are'} not ready: nothing written arrives there`,
                `kubectl logs -n ${namespace} ${unready[0]} -c calico-node`,
              ),
            ]),
      ]
    },
  },
  {
    id: 'FW-D104',
    category: 'Calico',
    title: 'no calico-node starts over and over',
    look: ({ nodes }) =>
      nodes.flatMap(({ name, calicoNode }) =>
        (calicoNode?.restarts ?? 0) > 10
          ? [
              warning(
                `${calicoNode?.pod} on ${name} has restarted ${calicoNode?.restarts} times`,
                `kubectl logs -n ${calicoNode?.namespace} ${calicoNode?.pod} -c calico-node --previous`,
              ),
            ]
          : [],
      ),
  },
  {
    id: 'FW-D105',
    category: 'Calico',
    title: 'Felix programs a packet filter this tool has been tried with',
    look: ({ calico: { dataplane, version } }) => {
      if (dataplane === 'unknown') return [warning('which dataplane Felix uses cannot be told', 'kubectl get felixconfigurations default -o yaml')]
      if (dataplane !== 'bpf') return []
      const wireguard = isAtLeast(version, [3, 32]) ? '; 3.32 drops WireGuard of your own on 51820 (calico#12900)' : ''
      return [
        warning(
          `Felix runs eBPF: failsafes count after translation, VRRP and hostPort replies were lost in some versions (calico#4956, #6522)${wireguard}`,
          'try it with one worker first: kubectl calico-fw init --interface NODE=NAME',
        ),
      ]
    },
  },
  {
    id: 'FW-D106',
    category: 'Calico',
    title: 'no /0 stands in a set or rule',
    look: ({ calico: { dataplane }, networkSets, policies }) => {
      const say = dataplane === 'nftables' ? error : warning
      const sets = networkSets.filter(({ spec }) => spec.nets?.some(isWorld))
      const rules = policies.filter(({ spec }) =>
        [...(spec.ingress ?? []), ...(spec.egress ?? [])].some(({ source, destination }) =>
          [source, destination].some((side) => [...(side?.nets ?? []), ...(side?.notNets ?? [])].some(isWorld)),
        ),
      )
      return [...sets, ...rules].map((object) =>
        say(
          `${formatRef(refOf(object))} names a /0: Felix panics on it in nftables mode, and crashed on it elsewhere (calico#13477, #9211)`,
          `kubectl edit ${object.kind.toLowerCase()} ${object.metadata.name}   # leave the match out, or write both halves`,
        ),
      )
    },
  },
]
