import { isAtLeast } from '../calico/version.ts'
import { FwError } from '../errors.ts'
import type { ProxyMode } from '../firewall/facts/facts.ts'
import type { Notice } from '../firewall/plan/plan.ts'
import type { DetectedCalico } from './detect-calico.ts'

/** The refusal this Calico earns, the gravest first; undefined when the tool can work with it. Reading the cluster is always possible. */
export const refusals = (detected: DetectedCalico): FwError | undefined => {
  const refuse = (what: string, why: string, fix: string): FwError => new FwError('FW_UNSUPPORTED', what, { why, fix })
  switch (detected.flavour) {
    case 'etcd':
      return refuse(
        'this Calico keeps its objects in etcd',
        'the Kubernetes API cannot write them, and its garbage collector cannot open the firewall again by itself',
        'migrate to the Kubernetes datastore: calicoctl datastore migrate',
      )
    case 'migrating':
      return refuse(
        `this Calico stands between its two ways of storing objects${detected.migrationPhase === undefined ? '' : ` (DatastoreMigration: ${detected.migrationPhase})`}`,
        'what is written now may be read by no Felix, or be overwritten by the migration',
        'finish the migration, or roll it back; see it: kubectl get datastoremigrations',
      )
    case 'storage':
      if (isAtLeast(detected.version, [3, 28])) break
      return refuse(
        `this Calico has only its storage CRDs, no API for users, and is ${detected.version ?? 'of an unknown version'}`,
        'what its own client writes there is known from 3.28 on; before, it stored labels in another way',
        'install the Calico API server: https://docs.tigera.io/calico/latest/operations/install-apiserver',
      )
    case 'native':
    case 'aggregated':
      break
  }
  if (!detected.apiAvailable) {
    return new FwError('FW_PREFLIGHT', 'the Calico API server is not available', {
      why: 'APIService v3.projectcalico.org is not Available',
      fix: 'mend it first: kubectl describe apiservice v3.projectcalico.org',
    })
  }
  if (detected.dataplane === 'bpf') {
    return refuse(
      'this Calico uses the eBPF dataplane',
      'host endpoints, failsafes and NodePorts mean other things there, and this tool has not been measured on it',
      'use the iptables or nftables dataplane, or write the policies by hand',
    )
  }
  if (detected.linuxDataplane === 'VPP')
    return refuse('this Calico uses the VPP dataplane', 'Felix does not program its packets', 'use the iptables or nftables dataplane')
  if (detected.windowsNodes.length > 0) {
    return refuse(
      `this cluster has Windows nodes: ${detected.windowsNodes.join(', ')}`,
      'Calico has no host endpoints on Windows, so they would stay open while the plan says closed',
      'run a firewall of their own there; this tool takes clusters of Linux nodes',
    )
  }
  return undefined
}

/** What a reader must know about this Calico although the tool goes on. */
export const warnings = (detected: DetectedCalico, proxyMode: ProxyMode): Notice[] => {
  const warn = (text: string): Notice => ({ level: 'warning', text })
  return [
    ...(proxyMode === 'ipvs'
      ? [
          warn(
            'kube-proxy runs in IPVS mode: nobody has measured what this firewall does to NodePorts and VIPs there (calico#8109); watch the closed-port probes',
          ),
        ]
      : []),
    ...(detected.flavour === 'storage'
      ? [
          warn(
            'this Calico has only its storage CRDs (crd.projectcalico.org/v1), which validate nothing: objects are written there as calicoctl writes them. Calico’s API server shows and checks them: https://docs.tigera.io/calico/latest/operations/install-apiserver',
          ),
        ]
      : []),
    ...(detected.calicoNode === undefined
      ? [warn('no calico-node is in sight: its environment, which may overrule FelixConfiguration, was not looked at')]
      : []),
    ...(detected.dataplane === 'unknown'
      ? [warn("Felix's packet filter is not known: nftablesMode is Auto, and kube-proxy's mode is not known either")]
      : []),
    ...(detected.version === undefined ? [warn('the version of Calico is not known')] : []),
  ]
}
