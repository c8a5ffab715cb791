import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { FwError } from '../../src/errors.ts'
import { parseHostFirewall } from '../../src/firewall/file/firewall-file.ts'

const home = readFileSync(join(import.meta.dirname, '../../examples/home.yaml'), 'utf8')

/** The smallest file, with one part replaced or added. */
const file = (spec: string, head = 'apiVersion: calico-fw.github.io/v1alpha1\nkind: HostFirewall\nmetadata: {name: home}\n'): string =>
  `${head}spec:\n${spec}`
const nics = '  interfaces: [{nodeSelector: {}, names: [ens160]}]\n'
const allow = (entry: string): string => file(`${nics}  allow:\n  - ${entry}\n`)
const egress = (entry: string): string => file(`${nics}  egress:\n  - ${entry}\n`)
const tcp80 = 'traffic: [{protocol: TCP, ports: [80]}]'

const errorOf = (text: string): FwError => {
  try {
    parseHostFirewall(text, 'home.yaml')
  } catch (error) {
    return error as FwError
  }
  throw new Error('the file was taken')
}

describe('parseHostFirewall', () => {
  it('reads the example', () => {
    expect(parseHostFirewall(home, 'home.yaml')).toEqual({
      apiVersion: 'calico-fw.github.io/v1alpha1',
      kind: 'HostFirewall',
      metadata: { name: 'home' },
      spec: {
        interfaces: [{ nodeSelector: {}, names: ['ens160'], labels: { 'node-endpoint': 'home' } }],
        trustedNets: ['10.233.0.0/16'],
        allow: [
          {
            name: 'ingress',
            to: { nets: ['192.168.218.180/32'] },
            traffic: [
              {
                protocol: 'TCP',
                ports: [
                  { first: 80, last: 80 },
                  { first: 443, last: 443 },
                ],
              },
            ],
          },
          { name: 'api-vip', to: { nets: ['192.168.218.189/32'] }, traffic: [{ protocol: 'TCP', ports: [{ first: 7443, last: 7443 }] }] },
        ],
        extraFailsafePorts: { inbound: [{ protocol: 'TCP', port: 7443 }], outbound: [] },
      },
    })
  })

  it.each([
    '',
    '  trustedNets:\n  allow:\n  extraFailsafePorts:\n',
    '  trustedNets: []\n  allow: []\n  extraFailsafePorts: {}\n',
    '  extraFailsafePorts: {inbound: [], outbound:}\n',
  ])('fills in what is left out: %j', (rest) => {
    expect(parseHostFirewall(file(nics + rest), 'home.yaml').spec).toEqual({
      interfaces: [{ nodeSelector: {}, names: ['ens160'], labels: {} }],
      trustedNets: [],
      allow: [],
      extraFailsafePorts: { inbound: [], outbound: [] },
    })
  })

  it('takes what may leave: no word is everything, an empty list nothing, and a port may go to every address', () => {
    const read = (rest: string) => parseHostFirewall(file(nics + rest), 'home.yaml').spec.egress
    expect(read('')).toBeUndefined()
    expect(read('  egress: []\n')).toEqual([])
    expect(read(`  egress: [{name: web, to: {nets: [0.0.0.0/0]}, ${tcp80}}]\n`)).toEqual([
      { name: 'web', to: { nets: ['0.0.0.0/0'] }, traffic: [{ protocol: 'TCP', ports: [{ first: 80, last: 80 }] }] },
    ])
  })

  it('takes ports as numbers, texts and ranges, and no ports as all of them', () => {
    const text = allow(
      '{name: a, to: {nodes: true}, traffic: [{protocol: TCP, ports: [80, "81", 30000-30010]}, {protocol: UDP}, {protocol: SCTP, ports: [5]}]}',
    )
    expect(parseHostFirewall(text, 'home.yaml').spec.allow[0]?.traffic).toEqual([
      {
        protocol: 'TCP',
        ports: [
          { first: 80, last: 80 },
          { first: 81, last: 81 },
          { first: 30000, last: 30010 },
        ],
      },
      { protocol: 'UDP', ports: [] },
      { protocol: 'SCTP', ports: [{ first: 5, last: 5 }] },
    ])
  })

  it('takes a whole LabelSelector', () => {
    const text = file(
      '  interfaces:\n  - nodeSelector:\n      matchLabels: {a: b}\n      matchExpressions: [{key: k, operator: In, values: [v]}, {key: x/y, operator: DoesNotExist}]\n    names: [eth0.100, br-lan]\n',
    )
    expect(parseHostFirewall(text, 'home.yaml').spec.interfaces[0]).toEqual({
      nodeSelector: {
        matchLabels: { a: 'b' },
        matchExpressions: [
          { key: 'k', operator: 'In', values: ['v'] },
          { key: 'x/y', operator: 'DoesNotExist' },
        ],
      },
      names: ['eth0.100', 'br-lan'],
      labels: {},
    })
  })

  it('says everything: where, what, why, and what to write', () => {
    const error = errorOf(home.replace('api-vip, to:', 'api-vip, too:'))
    expect({ code: error.code, exit: error.exit, what: error.message, fix: error.fix }).toEqual({
      code: 'FW_BAD_FILE',
      exit: 2,
      what: 'home.yaml:12: spec.allow[1].too is not a key of spec.allow[1]',
      fix: 'write to',
    })
  })

  it.each([
    ['nothing', '', '1: the file is empty', 'init'],
    ['comments only', '# nothing\n', '1: the file is empty', 'init'],
    ['a list', '- a\n', '1: the file is not a mapping', undefined],
    ['a text', 'hello\n', '1: the file is not a mapping', undefined],
    ['broken YAML', home.replace('{name: home}', '{name: home'), ': the file is not valid YAML', undefined],
    ['a key twice', `${home}  allow: []\n`, '16: the file is not valid YAML: Map keys must be unique', undefined],
    ['two documents', `${home}---\n${home}`, '16: the file holds more than one document', 'keep one'],
    ['more than 1 MiB', `${home}# ${'x'.repeat(1024 * 1024)}`, '1: the file is larger than 1024 KiB', undefined],
    ['another version', home.replace('v1alpha1', 'v1'), '1: apiVersion is "calico-fw.github.io/v1"', 'v1alpha1'],
    ['another kind', home.replace('HostFirewall', 'Firewall'), '2: kind is "Firewall"', 'kind: HostFirewall'],
    ['no name', home.replace('{name: home}', '{}'), '3: metadata.name is missing', 'metadata: {name: home}'],
    ['a bad name', home.replace('{name: home}', '{name: My_Home}'), '3: metadata.name "My_Home" is not a name', 'lower-case'],
    ['an unknown top key', `${home}status: {}\n`, '16: status is not a key of a HostFirewall', 'it may be'],
    ['a misspelt key', home.replace('trustedNets', 'trustedNet'), '9: spec.trustedNet is not a key of spec', 'write trustedNets'],
    ['no spec', 'apiVersion: calico-fw.github.io/v1alpha1\nkind: HostFirewall\nmetadata: {name: a}\n', ': spec is missing', 'spec:'],
    ['no interfaces', file('  allow: []\n'), '5: spec.interfaces is missing', 'interfaces:'],
    ['empty interfaces', file('  interfaces: []\n'), '5: spec.interfaces is empty', 'nodeSelector'],
    ['no nodeSelector', file('  interfaces: [{names: [a]}]\n'), '5: spec.interfaces[0] has no nodeSelector', 'nodeSelector: {}'],
    ['no names', file('  interfaces: [{nodeSelector: {}}]\n'), '5: spec.interfaces[0] has no names', 'names: [ens160]'],
    ['a name that is no list', file('  interfaces: [{nodeSelector: {}, names: ens160}]\n'), '5: spec.interfaces[0].names is not a list', '['],
    ['a wildcard', file("  interfaces: [{nodeSelector: {}, names: ['*']}]\n"), 'names[0] is "*", which is a wildcard', 'from outside'],
    ['loopback', file('  interfaces: [{nodeSelector: {}, names: [lo]}]\n'), 'is loopback', 'leave it out'],
    ['a pod interface', file('  interfaces: [{nodeSelector: {}, names: [cali123]}]\n'), "is a pod's interface", 'from outside'],
    ['a VLAN with its parent', file('  interfaces: [{nodeSelector: {}, names: [eth0.1@eth0]}]\n'), 'is no interface name', 'write eth0.1'],
    ['an interface name too long', file('  interfaces: [{nodeSelector: {}, names: [abcdefghijklmnop]}]\n'), 'is no interface name', undefined],
    ['an interface twice', file('  interfaces: [{nodeSelector: {}, names: [a, a]}]\n'), 'names[1] repeats "a"', undefined],
    [
      'a boolean label',
      file('  interfaces: [{nodeSelector: {matchLabels: {a: true}}, names: [a]}]\n'),
      'matchLabels["a"] is true',
      'quote it: "true"',
    ],
    [
      'a label of ours',
      file('  interfaces: [{nodeSelector: {}, names: [a], labels: {calico-fw.github.io/run: "1"}}]\n'),
      'is not yours to set',
      'another key',
    ],
    [
      'a label of Calico',
      file('  interfaces: [{nodeSelector: {}, names: [a], labels: {projectcalico.org/created-by: x}}]\n'),
      'is not yours to set',
      'another key',
    ],
    [
      'a bad label value',
      file('  interfaces: [{nodeSelector: {}, names: [a], labels: {a: "b c"}}]\n'),
      'is "b c", which is no label value',
      undefined,
    ],
    ['a bad operator', file('  interfaces: [{nodeSelector: {matchExpressions: [{key: a, operator: in}]}, names: [a]}]\n'), 'operator is "in"', 'In'],
    [
      'In without values',
      file('  interfaces: [{nodeSelector: {matchExpressions: [{key: a, operator: In}]}, names: [a]}]\n'),
      'has no values for In',
      undefined,
    ],
    [
      'Exists with values',
      file('  interfaces: [{nodeSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}, names: [a]}]\n'),
      'Exists does not take',
      undefined,
    ],
    ['host bits', file(`${nics}  trustedNets: [10.0.0.1/8]\n`), '6: spec.trustedNets[0]: "10.0.0.1/8" has host bits set', '10.0.0.0/8'],
    ['a bare address', file(`${nics}  trustedNets: [10.0.0.1]\n`), '"10.0.0.1" is not a CIDR', '10.0.0.1/32'],
    ['octal', file(`${nics}  trustedNets: [010.0.0.0/8]\n`), 'is not a CIDR', undefined],
    ['trust in everyone', file(`${nics}  trustedNets: [0.0.0.0/0]\n`), 'is every address'.replace('is ', ''), 'may do everything'],
    ['trust in loopback', file(`${nics}  trustedNets: [127.0.0.0/8]\n`), 'which is loopback', 'leave it out'],
    ['a net that is a number', file(`${nics}  trustedNets: [10]\n`), 'spec.trustedNets[0] is 10', 'quote it'],
    ['an entry without a name', allow(`{to: {nodes: true}, ${tcp80}}`), '7: spec.allow[0] has no name', 'name: ingress'],
    ['a bad entry name', allow(`{name: My App, to: {nodes: true}, ${tcp80}}`), 'names no policy', 'lower-case'],
    ['an entry name too long', allow(`{name: ${'a'.repeat(48)}, to: {nodes: true}, ${tcp80}}`), 'names no policy', 'at most 47'],
    ['an entry name that ends like a part', allow(`{name: a--2, to: {nodes: true}, ${tcp80}}`), 'names no policy', '--N'],
    [
      'a name twice',
      allow(`{name: a, to: {nodes: true}, ${tcp80}}\n  - {name: a, to: {nodes: true}, ${tcp80}}`),
      '8: spec.allow[1] repeats the name "a"',
      'own name',
    ],
    ['no destination', allow(`{name: a, ${tcp80}}`), 'spec.allow[0] has no destination', 'nodes: true'],
    ['an empty destination', allow(`{name: a, to: {}, ${tcp80}}`), 'to needs one of nodes and nets', '{nodes: true}'],
    ['both destinations', allow(`{name: a, to: {nodes: true, nets: [10.0.0.0/8]}, ${tcp80}}`), 'to needs one of nodes and nets', '{nodes: true}'],
    ['nodes: false', allow(`{name: a, to: {nodes: false}, ${tcp80}}`), 'to.nodes can only be true', '{nodes: true}'],
    ['all addresses as destination', allow(`{name: a, to: {nets: [0.0.0.0/0]}, ${tcp80}}`), 'which is every address', '{nodes: true}'],
    ['no destination nets', allow(`{name: a, to: {nets: []}, ${tcp80}}`), 'to.nets is empty', 'name a network'],
    ['everyone as source', allow(`{name: a, to: {nodes: true}, from: {nets: ["::/0"]}, ${tcp80}}`), 'which is every address', 'leave out from'],
    ['no source nets', allow(`{name: a, to: {nodes: true}, from: {nets: []}, ${tcp80}}`), 'from.nets is empty', 'leave out from'],
    ['a misspelt from', allow(`{name: a, to: {nodes: true}, form: {nets: [10.0.0.0/8]}, ${tcp80}}`), 'spec.allow[0].form is not a key', 'write from'],
    [
      'families that never meet',
      allow(`{name: a, to: {nets: [10.0.0.1/32, "2001:db8::1/128"]}, from: {nets: [10.0.0.0/8]}, ${tcp80}}`),
      'lets nobody reach 2001:db8::1/128',
      'IPv6 source',
    ],
    ['no traffic', allow('{name: a, to: {nodes: true}}'), 'has no traffic', 'protocol: TCP'],
    ['empty traffic', allow('{name: a, to: {nodes: true}, traffic: []}'), 'traffic is empty', 'protocol: TCP'],
    ['no protocol', allow('{name: a, to: {nodes: true}, traffic: [{ports: [80]}]}'), 'traffic[0] has no protocol', 'TCP, UDP, SCTP or a number'],
    ['a small protocol', allow('{name: a, to: {nodes: true}, traffic: [{protocol: tcp, ports: [80]}]}'), 'protocol is "tcp"', 'write TCP'],
    ['an unknown protocol', allow('{name: a, to: {nodes: true}, traffic: [{protocol: GRE}]}'), 'protocol is "GRE"', 'TCP, UDP, SCTP, or the number'],
    ['ICMP in an entry', allow('{name: a, to: {nodes: true}, traffic: [{protocol: ICMP}]}'), 'protocol is ICMP', 'spec.icmp'],
    ['ICMPv6 by number', allow('{name: a, to: {nodes: true}, traffic: [{protocol: 58}]}'), 'protocol is 58', 'spec.icmp'],
    ['TCP by number', allow('{name: a, to: {nodes: true}, traffic: [{protocol: 6}]}'), 'protocol is 6', 'write TCP'],
    ['ICMPv6 with a zero before it', allow('{name: a, to: {nodes: true}, traffic: [{protocol: 058}]}'), 'protocol is 058', 'spec.icmp'],
    ['GRE with a zero before it', allow('{name: a, to: {nodes: true}, traffic: [{protocol: 047}]}'), 'protocol is 047', '1 to 255'],
    ['protocol 0', allow('{name: a, to: {nodes: true}, traffic: [{protocol: 0}]}'), 'protocol is 0', '1 to 255'],
    ['protocol 256', allow('{name: a, to: {nodes: true}, traffic: [{protocol: 256}]}'), 'protocol is 256', '1 to 255'],
    ['ports of GRE', allow('{name: a, to: {nodes: true}, traffic: [{protocol: 47, ports: [1]}]}'), 'ports are of protocol 47', 'leave out ports'],
    ['an egress entry to nodes', egress(`{name: a, to: {nodes: true}, ${tcp80}}`), 'spec.egress[0].to.nodes is not a key', 'nets'],
    [
      'an egress entry with a source',
      egress(`{name: a, to: {nets: [10.0.0.0/8]}, from: {nets: [10.0.0.0/8]}, ${tcp80}}`),
      'from is not a key',
      undefined,
    ],
    ['an egress entry without a destination', egress(`{name: a, ${tcp80}}`), 'spec.egress[0] has no destination', 'to: {nets:'],
    ['an egress entry without traffic', egress('{name: a, to: {nets: [10.0.0.0/8]}}'), 'spec.egress[0] has no traffic', 'protocol: TCP'],
    ['an egress entry without a name', egress(`{to: {nets: [10.0.0.0/8]}, ${tcp80}}`), 'spec.egress[0] has no name', undefined],
    ['egress to loopback', egress(`{name: a, to: {nets: [127.0.0.1/32]}, ${tcp80}}`), 'which is loopback', 'leave it out'],
    ['egress that is no list', file(`${nics}  egress: none\n`), 'spec.egress is not a list', undefined],
    ['no pings at all', file(`${nics}  icmp: nobody\n`), 'spec.icmp is "nobody"', 'everyone, or trusted'],
    ['empty ports', allow('{name: a, to: {nodes: true}, traffic: [{protocol: TCP, ports: []}]}'), 'ports is empty', 'leave out ports'],
    ['port 0', allow('{name: a, to: {nodes: true}, traffic: [{protocol: TCP, ports: [0]}]}'), 'ports[0]: "0" is not a port', '80/tcp'],
    ['an octal port', allow('{name: a, to: {nodes: true}, traffic: [{protocol: TCP, ports: [080]}]}'), '"080" is not a port', undefined],
    ['a hex port', allow('{name: a, to: {nodes: true}, traffic: [{protocol: TCP, ports: [0x50]}]}'), '"0x50" is not a port', undefined],
    ['a fraction', allow('{name: a, to: {nodes: true}, traffic: [{protocol: TCP, ports: [80.5]}]}'), '"80.5" is not a port', undefined],
    ['a falling range', allow('{name: a, to: {nodes: true}, traffic: [{protocol: TCP, ports: [90-80]}]}'), '"90-80" is not a port', undefined],
    ['a port name', allow('{name: a, to: {nodes: true}, traffic: [{protocol: TCP, ports: [http]}]}'), '"http" is not a port', undefined],
    ['an alias', file(`${nics}  trustedNets: &t [10.0.0.0/8]\n  allow: *t\n`), 'spec.allow is a YAML alias', 'write the value out'],
    ['a merge key', allow(`{<<: {name: a}, to: {nodes: true}, ${tcp80}}`), 'spec.allow[0].<< is not a key', undefined],
  ])('refuses %s', (_, text, what, fix) => {
    const error = errorOf(text)
    expect(error).toMatchObject({ code: 'FW_BAD_FILE', exit: 2 })
    expect(error.message).toMatch(/^home\.yaml:\d+: /)
    expect(error.message).toContain(what)
    if (fix !== undefined) expect(error.fix).toContain(fix)
  })

  it('a billion laughs stay one', () => {
    const lol = Array.from({ length: 9 }, (_, level) => `l${level + 1}: &l${level + 1} [${Array(9).fill(`*l${level}`).join(', ')}]`).join('\n')
    expect(errorOf(`l0: &l0 lol\n${lol}\n`).message).toContain('l0 is not a key of a HostFirewall')
  })
})
