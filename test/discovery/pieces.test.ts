import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../src/calico/object.ts'
import { ipPoolFacts, poolsInUse } from '../../src/discovery/calico-objects.ts'
import { calleesOf } from '../../src/discovery/callees.ts'
import { kubeadmOf, kubeProxyOf, nodePortRangeOf, serviceCidrsOf } from '../../src/discovery/control-plane.ts'
import { gateWebhooksOf } from '../../src/discovery/gate-webhooks.ts'
import type { ConfigMapObject, PodObject, WebhookConfigurationObject } from '../../src/discovery/kube-objects.ts'
import { hostPortIn, networkIn } from '../../src/discovery/loose-text.ts'
import { findOperatorAddresses, localAddressTo, type OperatorNetwork } from '../../src/discovery/operator-address.ts'
import { servicesFacts } from '../../src/discovery/services.ts'
import { parseAddress } from '../../src/net/address.ts'
import { object } from './home-cluster.ts'

const map = (data: Record<string, string>): ConfigMapObject => object('v1', 'ConfigMap', { name: 'x' }, { data })
const pod = (...command: string[]): PodObject => object('v1', 'Pod', { name: 'p' }, { spec: { containers: [{ name: 'sidecar' }, { command }] } })

describe('texts', () => {
  test.each([
    ['192.168.218.171/24', '192.168.218.0/24'],
    ['2001:db8::171/64', '2001:db8::/64'],
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['192.168.218.171', undefined],
    ['192.168.218.171/33', undefined],
    ['nonsense/24', undefined],
    [undefined, undefined],
  ])('the network of %s', (text, network) => {
    expect(networkIn(text)).toBe(network)
  })

  test.each([
    ['https://192.168.218.189:7443', '192.168.218.189', 7443],
    ['https://192.168.218.189', '192.168.218.189', 6443],
    ['https://192.168.218.189:443/k8s/clusters/c-1', '192.168.218.189', 443],
    ['https://[2001:db8::1]:6443', '2001:db8::1', 6443],
    ['2001:db8::1', '2001:db8::1', 6443],
    ['api.example:8443', 'api.example', 8443],
    ['api.example', 'api.example', 6443],
  ])('%s', (text, host, port) => {
    expect(hostPortIn(text, 6443)).toEqual({ host, port })
  })

  test.each(['', undefined, 'https://', 'a b'])('no host in %j', (text) => {
    expect(hostPortIn(text, 6443)).toBeUndefined()
  })
})

describe('the control plane’s settings', () => {
  const asMap = kubeadmOf(
    map({
      ClusterConfiguration: 'networking: {serviceSubnet: "10.96.0.0/12,fd00::/108"}\napiServer: {extraArgs: {service-node-port-range: 20000-22767}}',
    }),
  )
  const asList = kubeadmOf(map({ ClusterConfiguration: 'apiServer: {extraArgs: [{name: service-node-port-range, value: 20000-22767}]}' }))

  test('service CIDRs: objects, else kubeadm, else arguments, else unknown', () => {
    const objects = [object('networking.k8s.io/v1', 'ServiceCIDR', { name: 'kubernetes' }, { spec: { cidrs: ['10.233.0.0/18'] } })]
    const apiServer = pod('kube-apiserver', '--service-cluster-ip-range=10.43.0.0/16')
    expect(serviceCidrsOf(objects, asMap, [apiServer])).toEqual(['10.233.0.0/18'])
    expect(serviceCidrsOf([], asMap, [apiServer])).toEqual(['10.96.0.0/12', 'fd00::/108'])
    expect(serviceCidrsOf([], asList, [apiServer])).toEqual(['10.43.0.0/16'])
    expect(serviceCidrsOf([], undefined, [])).toBeUndefined()
  })

  test.each([
    ['kubeadm’s map', asMap, [], 20_000, 22_767],
    ['kubeadm’s list', asList, [], 20_000, 22_767],
    ['the argument before kubeadm', asMap, [pod('--service-node-port-range=31000-31999')], 31_000, 31_999],
    ['first+length', undefined, [pod('--service-node-port-range', '30000+99')], 30_000, 30_099],
    ['nobody', undefined, [pod()], 30_000, 32_767],
  ])('NodePort range by %s', (_, kubeadm, pods, first, last) => {
    expect(nodePortRangeOf(kubeadm, pods)).toEqual({ first, last })
  })

  test.each<[string, ConfigMapObject | undefined, PodObject[], string]>([
    ['an empty mode is iptables', map({ 'config.conf': 'mode: ""' }), [], 'iptables'],
    ['no mode is iptables', map({ 'config.conf': 'kind: KubeProxyConfiguration' }), [], 'iptables'],
    ['ipvs', map({ 'config.conf': 'mode: ipvs' }), [], 'ipvs'],
    ['nftables', map({ 'config.conf': 'mode: nftables' }), [pod('--proxy-mode=ipvs')], 'nftables'],
    ['by argument', undefined, [pod('kube-proxy', '--proxy-mode=ipvs')], 'ipvs'],
    ['a pod without the argument', undefined, [pod('kube-proxy')], 'iptables'],
    ['a damaged map', map({ 'config.conf': '{' }), [], 'unknown'],
    ['a mode of tomorrow', map({ 'config.conf': 'mode: ebpf' }), [], 'unknown'],
    ['no trace', undefined, [], 'unknown'],
  ])('kube-proxy: %s', (_, configMap, pods, mode) => {
    const found = kubeProxyOf(configMap, pods)
    expect(found.mode).toBe(mode)
    expect(found.unseen === undefined).toBe(mode !== 'unknown')
  })

  test('a damaged kubeadm-config is none', () => {
    expect(kubeadmOf(map({ ClusterConfiguration: '{{' }))).toBeUndefined()
    expect(kubeadmOf(undefined)).toBeUndefined()
  })
})

describe('IPPools', () => {
  test('pools that serve LoadBalancers alone hold no pods', () => {
    const pool = (cidr: string, more: object = {}) => object('v', 'IPPool', { name: cidr }, { spec: { cidr, ...more } })
    const pools = [
      pool('10.1.0.0/16', { ipipMode: 'Always' }),
      pool('10.2.0.0/16', { allowedUses: ['LoadBalancer'] }),
      pool('10.3.0.0/16', { allowedUses: ['Tunnel'] }),
    ]
    expect(ipPoolFacts(pools).map(({ cidr, ipipMode }) => [cidr, ipipMode])).toEqual([
      ['10.1.0.0/16', 'Always'],
      ['10.3.0.0/16', 'Never'],
    ])
  })

  // Found in review: Calico's default pool, disabled beside another one and never used, was trusted whole, and with it the LAN it covers.
  test.each<[string, object, readonly string[] | undefined, boolean]>([
    ['that is in use', {}, [], true],
    ['that is disabled, without a block', { disabled: true }, ['10.2.0.0/26'], false],
    ['that is disabled, with a block in use', { disabled: true }, ['10.1.64.0/26'], true],
    ['that is disabled, where blocks are not shown', { disabled: true }, undefined, true],
  ])('a pool %s', (_, more, blocks, holdsPods) => {
    const pool = object('v', 'IPPool', { name: 'a' }, { spec: { cidr: '10.1.0.0/16', ...more } })
    const affinities = blocks?.map((cidr) => object('v', 'BlockAffinity', { name: cidr }, { spec: { cidr } }))
    expect(poolsInUse([pool], affinities)).toEqual(holdsPods ? [pool] : [])
  })
})

describe('Services', () => {
  test('externalIPs, healthCheckNodePort, SCTP, and endpoints of all slices that are ready', () => {
    const service = object(
      'v1',
      'Service',
      { namespace: 'a', name: 's' },
      {
        spec: {
          type: 'LoadBalancer',
          clusterIPs: ['10.0.0.1', 'fd00::1'],
          externalIPs: ['203.0.113.5'],
          externalTrafficPolicy: 'Local',
          healthCheckNodePort: 31_500,
          ports: [
            { port: 5, protocol: 'SCTP', nodePort: 30_005 },
            { name: 'd', port: 6 },
          ],
        },
        status: { loadBalancer: { ingress: [{ hostname: 'lb.example' }, { ip: '203.0.113.6' }] } },
      },
    )
    const slice = (address: string, ready: boolean | undefined): KubeObject =>
      object(
        'discovery.k8s.io/v1',
        'EndpointSlice',
        { namespace: 'a', name: address, labels: { 'kubernetes.io/service-name': 's' } },
        {
          ports: [{ port: 50 }],
          endpoints: [{ addresses: [address], conditions: ready === undefined ? {} : { ready }, nodeName: 'n' }],
        },
      )
    const empty = object(
      'discovery.k8s.io/v1',
      'EndpointSlice',
      { namespace: 'a', name: 'e', labels: { 'kubernetes.io/service-name': 's' } },
      { ports: null, endpoints: null },
    )
    const orphan = object('discovery.k8s.io/v1', 'EndpointSlice', { namespace: 'a', name: 'o' }, { endpoints: [{ addresses: ['10.9.9.9'] }] })
    expect(servicesFacts([service], [slice('10.1.0.1', true), slice('10.1.0.2', undefined), slice('10.1.0.3', false), empty, orphan])).toEqual([
      {
        namespace: 'a',
        name: 's',
        type: 'LoadBalancer',
        clusterIPs: ['10.0.0.1', 'fd00::1'],
        externalIPs: ['203.0.113.5'],
        loadBalancerIPs: ['203.0.113.6'],
        externalTrafficPolicy: 'Local',
        healthCheckNodePort: 31_500,
        ports: [
          { protocol: 'SCTP', port: 5, nodePort: 30_005 },
          { name: 'd', protocol: 'TCP', port: 6 },
        ],
        endpoints: [
          { address: '10.1.0.1', node: 'n', ports: [{ port: 50 }] },
          { address: '10.1.0.2', node: 'n', ports: [{ port: 50 }] },
        ],
      },
    ])
  })
})

describe('webhooks that could hold up a switch', () => {
  const webhook = (rules: object[], more: object = {}): WebhookConfigurationObject =>
    object('a', 'ValidatingWebhookConfiguration', { name: 'conf' }, { webhooks: [{ name: 'w', rules, ...more }] })
  const rule = (group: string, ...resources: string[]) => ({ apiGroups: [group], resources })

  test.each<[string, WebhookConfigurationObject, readonly string[]]>([
    ['Jobs', webhook([rule('batch', 'jobs')]), ['jobs']],
    ['the status of Jobs', webhook([rule('batch', 'jobs/status')]), ['jobs']],
    ['everything', webhook([rule('*', '*')]), ['jobs', 'networksets', 'globalnetworksets']],
    ['everything and subresources', webhook([rule('*', '*/*')]), ['jobs', 'networksets', 'globalnetworksets']],
    ['NetworkSets of either group', webhook([rule('crd.projectcalico.org', 'networksets')]), ['networksets']],
    ['Calico’s own, for policies', webhook([rule('projectcalico.org', 'networkpolicies', 'globalnetworkpolicies')]), []],
    ['another group’s jobs', webhook([rule('example.com', 'jobs')]), []],
    ['group of one rule, resource of another', webhook([rule('batch', 'cronjobs'), rule('apps', 'jobs')]), []],
    [
      'other namespaces only',
      webhook([rule('*', '*')], { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'prod' } } }),
      ['globalnetworksets'],
    ],
    [
      'all namespaces but kube-system',
      webhook([rule('batch', 'jobs')], {
        namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system'] }] },
      }),
      ['jobs'],
    ],
    ['no rules', webhook([]), []],
  ])('%s', (_, configuration, resources) => {
    expect(gateWebhooksOf([configuration]).map((found) => found.resources)).toEqual(resources.length === 0 ? [] : [resources])
  })

  test('it is named with its configuration, and Fail is the default', () => {
    expect(gateWebhooksOf([webhook([rule('batch', 'jobs')])])).toEqual([{ name: 'conf/w', resources: ['jobs'], failurePolicy: 'Fail' }])
    expect(gateWebhooksOf([webhook([rule('batch', 'jobs')], { failurePolicy: 'Ignore' })])[0]?.failurePolicy).toBe('Ignore')
  })
})

describe('the operator’s own address', () => {
  const network = (more: Partial<OperatorNetwork> = {}): OperatorNetwork => ({
    connectionAddress: async () => '192.168.218.170',
    localAddressTo: async (address) => (address.includes(':') ? '2001:db8::170' : '192.168.218.170'),
    interfaces: () => ({
      lo: [{ address: '127.0.0.1' }],
      eth0: [{ address: '192.168.218.170' }, { address: '2001:db8::170' }, { address: 'fe80::1' }],
      tun0: [{ address: '10.8.0.2' }],
    }),
    ...more,
  })
  const towards = [parseAddress('192.168.218.171'), parseAddress('2001:db8::171')]

  test.each<[string, Partial<OperatorNetwork>, readonly string[]]>([
    ['the connection’s and the kernel’s, each once', {}, ['192.168.218.170', '2001:db8::170']],
    [
      'mapped into IPv6 by a socket of both families',
      { connectionAddress: async () => '::ffff:192.168.218.170', localAddressTo: async () => undefined },
      ['192.168.218.170'],
    ],
    ['through a tunnel to loopback', { connectionAddress: async () => '127.0.0.1', localAddressTo: async () => undefined }, []],
    ['an address that is not ours', { connectionAddress: async () => '203.0.113.1', localAddressTo: async () => undefined }, []],
    [
      'no connection, but a route',
      { connectionAddress: () => Promise.reject(new Error('refused')), localAddressTo: async () => '10.8.0.2' },
      ['10.8.0.2'],
    ],
  ])('%s', async (_, more, expected) => {
    expect(await findOperatorAddresses(network(more), towards)).toEqual(expected)
  })

  test('the kernel tells without sending anything', async () => {
    expect(await localAddressTo(parseAddress('127.0.0.1'))).toBe('127.0.0.1')
  })
})

describe('who the API server calls', () => {
  const service = { namespace: 'gatekeeper-system', name: 'gatekeeper' }
  const hooks = (...configs: object[]) => ({
    ...object('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', { name: 'gatekeeper' }),
    webhooks: configs.map((clientConfig, at) => ({ name: `${at}.gatekeeper.sh`, clientConfig })),
  })

  test('webhooks by Service and APIServices with one, each once; those by URL and the local ones call nobody in the cluster', () => {
    const local = object('apiregistration.k8s.io/v1', 'APIService', { name: 'v1.apps' }, { spec: { service: null } })
    const metrics = object(
      'apiregistration.k8s.io/v1',
      'APIService',
      { name: 'v1beta1.metrics.k8s.io' },
      { spec: { service: { namespace: 'kube-system', name: 'metrics-server', port: 8443 } } },
    )
    expect(calleesOf([hooks({ service }, { service }, { url: 'https://example.org' })], [local, metrics])).toEqual([
      { caller: 'ValidatingWebhookConfiguration gatekeeper', namespace: 'gatekeeper-system', service: 'gatekeeper', port: 443 },
      { caller: 'APIService v1beta1.metrics.k8s.io', namespace: 'kube-system', service: 'metrics-server', port: 8443 },
    ])
  })
})
