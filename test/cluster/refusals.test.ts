import { describe, expect, it } from 'vitest'
import type { DetectedCalico } from '../../src/cluster/detect-calico.ts'
import { refusals, warnings } from '../../src/cluster/refusals.ts'
import { told } from './test-connection.ts'

const calicoNode = { namespace: 'calico-system', podLabels: { 'k8s-app': 'calico-node' }, image: undefined, env: {} }
const detected = (more: Partial<DetectedCalico> = {}): DetectedCalico => ({
  flavour: 'native',
  version: 'v3.32.1',
  dataplane: 'iptables',
  namespace: 'calico-system',
  nodePodLabels: { 'k8s-app': 'calico-node' },
  calicoNode,
  readableAs: 'projectcalico.org/v3',
  apiAvailable: true,
  windowsNodes: [],
  ...more,
})

describe('refusals', () => {
  it.each<Partial<DetectedCalico>>([
    {},
    { flavour: 'aggregated' },
    { flavour: 'storage', version: 'v3.28.0' },
    { dataplane: 'nftables' },
    { dataplane: 'unknown' },
  ])('goes on with %o', (more) => {
    expect(refusals(detected(more))).toBeUndefined()
  })

  it.each<[string, Partial<DetectedCalico>, RegExp]>([
    ['etcd', { flavour: 'etcd' }, /FW_UNSUPPORTED\nthis Calico keeps its objects in etcd\n.*\n.*calicoctl datastore migrate/],
    [
      'migrating',
      { flavour: 'migrating', migrationPhase: 'Migrating' },
      /FW_UNSUPPORTED\n.*\(DatastoreMigration: Migrating\)\n.*\n.*kubectl get datastoremigrations/,
    ],
    ['between two groups without a migration', { flavour: 'migrating' }, /between its two ways of storing objects\n/],
    [
      'storage CRDs alone, of a Calico whose labels are stored in another way',
      { flavour: 'storage', version: 'v3.27.4' },
      /FW_UNSUPPORTED\n.*only its storage CRDs.*v3.27.4\n.*\ninstall the Calico API server/,
    ],
    ['storage CRDs alone, of an unknown version', { flavour: 'storage', version: 'unknown' }, /and is unknown\n/],
    [
      'an aggregated API that is down',
      { flavour: 'aggregated', apiAvailable: false },
      /FW_PREFLIGHT\n.*\n.*\n.*kubectl describe apiservice v3.projectcalico.org/,
    ],
    ['eBPF', { dataplane: 'bpf' }, /FW_UNSUPPORTED\nthis Calico uses the eBPF dataplane/],
    ['VPP', { dataplane: 'unknown', linuxDataplane: 'VPP' }, /FW_UNSUPPORTED\nthis Calico uses the VPP dataplane/],
    ['Windows nodes', { windowsNodes: ['win1', 'win2'] }, /FW_UNSUPPORTED\nthis cluster has Windows nodes: win1, win2\n/],
  ])('%s: why, and what to do', (_title, more, expected) => {
    const error = refusals(detected(more))
    expect(error && told(error)).toMatch(expected)
    expect(error?.exit).toBe(3)
  })
})

describe('warnings', () => {
  it('none for an ordinary cluster', () => {
    expect(warnings(detected(), 'iptables')).toEqual([])
  })

  it.each<[string, Partial<DetectedCalico>, 'ipvs' | 'iptables', RegExp]>([
    ['IPVS', {}, 'ipvs', /IPVS mode: nobody has measured/],
    ['no calico-node', { calicoNode: undefined }, 'iptables', /environment.*was not looked at/],
    ['an unknown dataplane', { dataplane: 'unknown' }, 'iptables', /packet filter is not known/],
    ['an unknown version', { version: undefined }, 'iptables', /version of Calico is not known/],
  ] as [string, Partial<DetectedCalico>, 'ipvs' | 'iptables', RegExp][])('%s', (_title, more, mode, expected) => {
    expect(warnings(detected(more), mode)).toEqual([{ level: 'warning', text: expect.stringMatching(expected) }])
  })
})
