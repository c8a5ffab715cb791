import { posix } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseKubeconfig } from '../../src/cluster/kubeconfig/kubeconfig-file.ts'
import { worldWith } from '../../src/commands/explain-files.ts'
import { parseFacts } from '../../src/discovery/facts-file.ts'
import { FwError } from '../../src/errors.ts'
import { parseHostFirewall } from '../../src/firewall/file/firewall-file.ts'
import { readYaml } from '../../src/firewall/file/read-yaml.ts'
import { errorText } from '../../src/ui/error-text.ts'
import { plainTheme } from '../../src/ui/theme.ts'
import { worldOf } from '../../src/verdict/world.ts'
import { homeFacts } from '../fixtures/home-facts.ts'

const facts = homeFacts({ nodes: 3 })
const world = worldOf(facts)
/** Every file a user hands to this tool. */
const readers: Readonly<Record<string, (text: string) => unknown>> = {
  kubeconfig: (text) => parseKubeconfig(text, '/home/op/.kube/config', posix),
  'firewall file': (text) => parseHostFirewall(text, 'firewall.yaml'),
  manifests: (text) => worldWith(facts, world, text, 'policies.yaml'),
  facts: (text) => parseFacts(text),
}

const tenMegabytes = (piece: string) => piece.repeat(Math.ceil((10 << 20) / piece.length))
/** Nine lists of nine of the list before: a billion entries. */
const laughs = [...'abcdefghij'].map((name, at) => `${name}: &${name} [${Array(9).fill(at === 0 ? 'ha' : `*${'abcdefghij'[at - 1]}`)}]`).join('\n')
const garbage: Readonly<Record<string, string>> = {
  '10 MB of zero bytes': tenMegabytes('\0'),
  '10 MB of one letter': tenMegabytes('a'),
  '10 MB of open brackets': tenMegabytes('x: [\n'),
  '10 MB of anchors': tenMegabytes('&a '),
  '10 MB of list items': tenMegabytes('- a\n'),
  '10 MB of quotes': tenMegabytes('"'),
  'lists without end': '['.repeat(2_000),
  'maps without end': '{"a":'.repeat(2_000),
  'a billion laughs': laughs,
  'code of another language': 'a: !!js/function "function () { process.exit(1) }"\nb: !!python/object/apply:os.system [reboot]',
  'keys of the prototype': '__proto__: {polluted: true}\nconstructor: {prototype: {polluted: true}}',
  'a key twice': 'kind: HostFirewall\nkind: Config\nkind: Facts',
  'escapes, direction marks and zero bytes': 'kind: "\u001b]0;owned\u0007\u001b[2J\u202egnp\0"',
  'another alphabet': '\ufeff\ufffe\ud800 \u2028',
}

describe.each(Object.entries(readers))('garbage for a %s', (name, read) => {
  it.each(Object.entries(garbage))('%s is refused in a few words', (_, text) => {
    const thrown = ((): unknown => {
      try {
        read(text)
        return undefined
      } catch (error) {
        return error
      }
    })()
    // A kubeconfig without a context is one; whoever needs the context says so.
    if (name !== 'kubeconfig' || thrown !== undefined) expect(thrown).toBeInstanceOf(FwError)
    if (thrown instanceof FwError) {
      const words = errorText(thrown, plainTheme)
      expect(words.length).toBeLessThan(7_000)
      expect(words).not.toMatch(/(?![\n\t])\p{Cc}|\p{Bidi_Control}/u)
      expect(thrown.exit).toBe(2)
    }
    expect(({} as { polluted?: true }).polluted).toBeUndefined()
  })
})

it('large manifests are read as JSON', () => {
  const large = JSON.stringify({
    items: Array.from({ length: 15_000 }, (_, at) => ({ kind: 'NetworkSet', metadata: { name: `set-${at}` }, spec: { nets: [] } })),
  })
  expect(large.length).toBeGreaterThan(1 << 20)
  expect(readYaml(large)).toEqual([JSON.parse(large)])
})
