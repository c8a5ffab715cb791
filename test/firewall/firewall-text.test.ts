import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { appendAllow, appendFailsafe } from '../../src/firewall/file/edit-firewall-file.ts'
import { parseHostFirewall } from '../../src/firewall/file/firewall-file.ts'
import { firewallConfigMap, firewallIn, formatAllowEntry, formatHostFirewall } from '../../src/firewall/file/firewall-text.ts'
import type { AllowEntry } from '../../src/firewall/file/host-firewall.ts'
import { parseCidr } from '../../src/net/cidr.ts'
import { allowEntry, hostFirewall } from './arbitrary-firewall.ts'

const root = join(import.meta.dirname, '../..')
const home = readFileSync(join(root, 'examples/home.yaml'), 'utf8')
const pages = ['README.md', ...readdirSync(join(root, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : []))]
/** Every file a reader is shown: the examples, and what the pages quote in full. */
const shown = [
  ...readdirSync(join(root, 'examples')).map((name) => [`examples/${name}`, readFileSync(join(root, 'examples', name), 'utf8')] as const),
  ...pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/```yaml\n(apiVersion: calico-fw[\s\S]*?)```/g)].map(
      ([, text = '']) => [page, text] as const,
    ),
  ),
]
const app1: AllowEntry = {
  name: 'app1',
  to: { nodes: true },
  from: { nets: [parseCidr('192.168.218.53/32')] },
  traffic: [
    {
      protocol: 'TCP',
      ports: [
        { first: 31110, last: 31110 },
        { first: 32000, last: 32010 },
      ],
    },
  ],
}
/** The lines of one text that are not in the other. */
const added = (after: string, before: string): string[] => after.split('\n').filter((line) => !before.split('\n').includes(line))

describe('the file of a HostFirewall', () => {
  it('reads back as it was written', () => {
    fc.assert(
      fc.property(hostFirewall, (firewall) => {
        expect(parseHostFirewall(formatHostFirewall(firewall), 'it')).toEqual(firewall)
        expect(firewallIn(firewallConfigMap(firewall))).toEqual(firewall)
      }),
    )
  })

  it('quotes what YAML 1.1 readers would not take for text', () => {
    const firewall = parseHostFirewall(home.replace('{node-endpoint: home}', '{a: "on", b: "1:30", c: "y"}'.replace('"1:30"', '"130"')), 'it')
    expect(formatHostFirewall(firewall)).toMatch(/a: "on"\n\s+b: "130"\n\s+c: "y"/)
  })

  it('shows one entry for pasting', () => {
    expect(formatAllowEntry(app1)).toBe(
      '- name: app1\n  to:\n    nodes: true\n  from:\n    nets:\n      - 192.168.218.53/32\n  traffic:\n    - protocol: TCP\n      ports:\n        - 31110\n        - 32000-32010\n',
    )
  })

  it('a ConfigMap somebody broke says where it is', () => {
    expect(() => firewallIn({ ...firewallConfigMap(parseHostFirewall(home, 'it')), data: {} })).toThrow(
      /^ConfigMap calico-fw\/host-firewall:1: the file is empty/,
    )
  })
})

describe('editing a file', () => {
  it('adds one line to the example, and keeps every other byte', () => {
    const edited = appendAllow(home, app1)
    expect(added(edited, home)).toEqual([
      '  - {name: app1, to: {nodes: true}, from: {nets: [192.168.218.53/32]}, traffic: [{protocol: TCP, ports: [31110, 32000-32010]}]}',
    ])
    expect(
      edited
        .split('\n')
        .filter((line) => home.split('\n').includes(line))
        .join('\n'),
    ).toBe(home)
    expect(edited.indexOf('name: app1, to: {nodes: true}, from')).toBeLessThan(edited.indexOf('# a NodePort'))
  })

  it('adds a failsafe in place, and one that is there changes nothing', () => {
    const edited = appendFailsafe(home, { protocol: 'UDP', port: 51820 })
    expect(edited).toBe(home.replace('port: 7443}]', 'port: 7443}, {protocol: UDP, port: 51820}]'))
    expect(appendFailsafe(edited, { protocol: 'UDP', port: 51820 })).toBe(edited)
  })

  it('refuses a name that is taken, and a file that is none', () => {
    expect(() => appendAllow(home, { ...app1, name: 'ingress' })).toThrow(expect.objectContaining({ code: 'FW_BAD_FILE' }))
    expect(() => appendAllow('a: b\n', app1)).toThrow(expect.objectContaining({ code: 'FW_BAD_FILE' }))
  })

  const head =
    '# top\napiVersion: calico-fw.github.io/v1alpha1\nkind: HostFirewall # kind\nmetadata: {name: home}\nspec:\n  # nics\n  interfaces:\n  - nodeSelector: {}\n    names: [ens160] # one\n'
  it.each([
    ['no allow at all', head],
    ['an empty allow', `${head}  allow:\n`],
    ['an empty flow list', `${head}  allow: []  # none yet\n`],
    ['a flow list', `${head}  allow: [{name: a, to: {nodes: true}, traffic: [{protocol: TCP}]}]\n  # end\n`],
    ['a block entry, and no newline at the end', `${head}  allow:\n  - name: a\n    to: {nodes: true}\n    traffic:\n    - protocol: TCP # all`],
    [
      'indented entries with comments between',
      `${head}  allow:\n    # first\n    - name: a\n      to: {nodes: true}\n      traffic: [{protocol: TCP}]\n    # last\n\n  trustedNets: [10.0.0.0/8]\n`,
    ],
    ['Windows line ends', `${head}  allow:\n  - {name: a, to: {nodes: true}, traffic: [{protocol: TCP}]}\n`.replaceAll('\n', '\r\n')],
  ])('works on %s, and keeps every comment', (_, text) => {
    const edited = appendFailsafe(appendAllow(text, app1), { protocol: 'TCP', port: 9345 })
    const [before, after] = [parseHostFirewall(text, 'it'), parseHostFirewall(edited, 'it')]
    expect(after.spec.allow).toEqual([...before.spec.allow, app1])
    expect(after.spec.extraFailsafePorts.inbound).toEqual([{ protocol: 'TCP', port: 9345 }])
    expect({ ...after.spec, allow: [], extraFailsafePorts: {} }).toEqual({ ...before.spec, allow: [], extraFailsafePorts: {} })
    for (const comment of text.match(/#[^\r\n]*/g) ?? []) expect(edited).toContain(comment)
  })

  it('gives what was meant on every file we write', () => {
    fc.assert(
      fc.property(hostFirewall, allowEntry, (firewall, entry) => {
        fc.pre(firewall.spec.allow.every(({ name }) => name !== entry.name))
        const edited = parseHostFirewall(appendAllow(formatHostFirewall(firewall), entry), 'it')
        expect(edited).toEqual({ ...firewall, spec: { ...firewall.spec, allow: [...firewall.spec.allow, entry] } })
      }),
    )
  })
})

it.each(shown)('what %s shows is a file, and is printed as what it is', (name, text) => {
  const firewall = parseHostFirewall(text, name)
  expect(parseHostFirewall(formatHostFirewall(firewall), name)).toEqual(firewall)
})
