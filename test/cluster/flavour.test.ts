import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ApiSigns, type DataplaneSigns, dataplaneOf, flavourOf } from '../../src/cluster/flavour.ts'

const signs = (more: Partial<ApiSigns>): ApiSigns => ({
  v3: false,
  storage: false,
  aggregated: false,
  datastoreType: undefined,
  apiGroup: undefined,
  migrationPhase: undefined,
  ...more,
})

describe('flavourOf', () => {
  it.each<[string, Partial<ApiSigns>, ReturnType<typeof flavourOf>]>([
    ['no Calico', {}, undefined],
    ['v3 CRDs alone', { v3: true }, 'native'],
    ['both groups, v3 by a Service', { v3: true, storage: true, aggregated: true }, 'aggregated'],
    ['storage CRDs alone', { storage: true }, 'storage'],
    ['etcd by its environment', { datastoreType: 'etcdv3', storage: true }, 'etcd'],
    ['etcd by its environment, no group at all', { datastoreType: 'etcdv3' }, 'etcd'],
    ['an aggregated API without storage CRDs keeps its objects in etcd', { v3: true, aggregated: true }, 'etcd'],
    ['kubernetes by its environment', { datastoreType: 'kubernetes', v3: true }, 'native'],
    ['both groups as CRDs: Felix reads storage, so v3 protects nothing', { v3: true, storage: true }, 'migrating'],
    ['both groups as CRDs, and Felix told to read v3', { v3: true, storage: true, apiGroup: 'projectcalico.org/v3' }, 'native'],
    [
      'an aggregated API over storage, and Felix told to read v3',
      { v3: true, storage: true, aggregated: true, apiGroup: 'projectcalico.org/v3' },
      'migrating',
    ],
    ['a migration under way', { v3: true, storage: true, aggregated: true, migrationPhase: 'Migrating' }, 'migrating'],
    ['a migration that failed', { v3: true, storage: true, migrationPhase: 'Failed' }, 'migrating'],
    ['a migration that is complete', { v3: true, storage: true, apiGroup: 'projectcalico.org/v3', migrationPhase: 'Complete' }, 'native'],
  ])('%s', (_title, given, expected) => {
    expect(flavourOf(signs(given))).toBe(expected)
  })

  it('never calls a cluster writable while a migration is not complete', () => {
    const phase = fc.constantFrom('Pending', 'Migrating', 'WaitingForConflictResolution', 'Converged', 'Failed')
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), fc.boolean(), phase, (v3, storage, aggregated, migrationPhase) => {
        expect(flavourOf(signs({ v3, storage, aggregated, migrationPhase }))).toBe('migrating')
      }),
    )
  })
})

describe('dataplaneOf', () => {
  const dataplane = (more: Partial<DataplaneSigns>): ReturnType<typeof dataplaneOf> =>
    dataplaneOf({
      env: { bpfEnabled: undefined, nftablesMode: undefined },
      felix: [],
      linuxDataplane: undefined,
      version: 'v3.32.1',
      proxyMode: 'iptables',
      ...more,
    })
  const felix = (bpfEnabled?: boolean, nftablesMode?: string) => ({ bpfEnabled, nftablesMode })
  const env = (bpfEnabled?: string, nftablesMode?: string) => ({ bpfEnabled, nftablesMode })

  it.each<[string, Partial<DataplaneSigns>, ReturnType<typeof dataplaneOf>]>([
    ['Auto, the default since 3.32, follows kube-proxy: iptables', {}, 'iptables'],
    ['Auto follows kube-proxy: nftables', { proxyMode: 'nftables' }, 'nftables'],
    ['Auto and an unknown kube-proxy', { proxyMode: 'unknown' }, 'unknown'],
    ['before 3.32 the default is iptables', { version: 'v3.31.5', proxyMode: 'nftables' }, 'iptables'],
    ['an unknown version counts as old', { version: undefined, proxyMode: 'nftables' }, 'iptables'],
    ['nftablesMode Enabled', { felix: [felix(undefined, 'Enabled')] }, 'nftables'],
    ['nftablesMode Disabled', { felix: [felix(undefined, 'Disabled')], proxyMode: 'nftables' }, 'iptables'],
    ['FELIX_NFTABLESMODE beats FelixConfiguration', { env: env(undefined, 'Disabled'), felix: [felix(undefined, 'Enabled')] }, 'iptables'],
    ['bpfEnabled', { felix: [felix(true)] }, 'bpf'],
    ['bpfEnabled for one node is enough', { felix: [felix(false), felix(true)] }, 'bpf'],
    ['FELIX_BPFENABLED beats FelixConfiguration', { env: env('False'), felix: [felix(true)] }, 'iptables'],
    ['FELIX_BPFENABLED', { env: env('1') }, 'bpf'],
    ['a FELIX_BPFENABLED Felix cannot read', { env: env('maybe'), felix: [felix(true)] }, 'bpf'],
    ['Installation BPF', { linuxDataplane: 'BPF' }, 'bpf'],
    ['Installation Nftables', { linuxDataplane: 'Nftables' }, 'nftables'],
    ['Installation VPP', { linuxDataplane: 'VPP' }, 'unknown'],
  ])('%s', (_title, given, expected) => {
    expect(dataplane(given)).toBe(expected)
  })
})
