import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { v3 } from '../../src/calico/resources.ts'
import { serialised } from '../../src/commands/printer.ts'
import { shellWord } from '../../src/commands/shell-word.ts'
import { safeLine, safeText } from '../../src/ui/safe-text.ts'
import { openStage, type Stage } from '../commands/stage.ts'
import { until } from '../fixtures/real-time.ts'

const evil = '\u001b]0;owned\u0007\u001b[2J\u001b[8mhidden\u009b31m\u202etxt.exe\u0000\r\b'
/** What no terminal may be sent: controls but tab and newline, and marks that turn the direction. Our theme's emphasis aside. */
const control = /(?![\n\t])\p{Cc}|\p{Bidi_Control}/u
const emphasis = new RegExp(`${String.fromCharCode(27)}\\[(?:1|2|22|31|32|33|39)m`, 'g')
const withoutEmphasis = (words: string): string => words.replaceAll(emphasis, '')
const piece = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '\u001b',
    '[',
    ']',
    '\u009b',
    '2J',
    '31m',
    '8;;',
    '\u0007',
    '\u001b\\',
    '\u202e',
    '\n',
    '\t',
    '\r',
    ';',
    '0',
    'm',
    '\u001b[1m',
    '\u001b[39m',
  ),
)
const text = fc.array(piece, { maxLength: 12 }).map((parts) => parts.join(''))

describe('text for a terminal', () => {
  it('carries nothing a terminal acts on', () => {
    fc.assert(
      fc.property(text, (any) => {
        expect(withoutEmphasis(safeText(any))).not.toMatch(control)
        expect(safeLine(any)).not.toContain('\n')
      }),
      { numRuns: 500 },
    )
  })

  it('keeps every word and our own emphasis', () => {
    expect(safeText(evil)).toBe('hidden31mtxt.exe')
    const ours = '\u001b[1m\u001b[32mdone\u001b[39m\u001b[22m\tzażółć \u{1f512}\n'
    expect(safeText(ours)).toBe(ours)
  })
})

describe('documents', () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      text,
      fc.integer(),
      fc.boolean(),
      fc.array(tie('any'), { maxLength: 4 }),
      fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), tie('any'), { maxKeys: 4 }),
    ),
  })).any
  it.each<['json' | 'yaml', (words: string) => unknown]>([
    ['json', (words) => JSON.parse(words) as unknown],
    ['yaml', (words) => parse(words) as unknown],
  ])('%s holds whatever was found, to the letter, and nothing raw', (format, read) => {
    fc.assert(
      fc.property(value, (found) => {
        const words = serialised({ found }, format)
        expect(words).not.toMatch(control)
        expect(read(words)).toEqual(JSON.parse(JSON.stringify({ found })))
      }),
      { numRuns: 80 },
    )
  })
})

it('a printed command means to a shell what it says', () => {
  const words = fc.sample(text, 200).map((word) => word.replaceAll('\0', ''))
  const tricks = ['$(reboot)', '`reboot`', "';reboot;'", '"', '\\', '-n', '~', '*', '', 'a b', '\n', '!!', '#x']
  const all = [...words, ...tricks].map((word) => word.replace(/\p{Surrogate}/gu, ''))
  const said = execFileSync('sh', ['-c', `printf '%s\\0' ${all.map(shellWord).join(' ')}`], { encoding: 'utf8' })
  expect(said.split('\0').slice(0, -1)).toEqual(all)
})

describe('a cluster full of escapes', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  })
  afterAll(() => stage.close())

  it.each<[string, string[]]>([
    ['status', ['status']],
    ['history', ['history']],
    ['doctor', ['doctor']],
    [
      'plan as JSON',
      ['plan', '--interface', 'ens160', '--trust', 'none', '--vip', 'none', '--failsafe', 'none', '--node-ports', 'close', '-o', 'json'],
    ],
    ['an error of the server', ['status', '--namespace', 'x']],
  ])('%s', async (name, argv) => {
    const planted = {
      apiVersion: v3,
      kind: 'GlobalNetworkPolicy',
      metadata: { name: 'evil', annotations: { note: evil } },
      spec: { selector: `has(x) || a == "${evil}"`, order: 9, types: ['Ingress'], ingress: [] },
    }
    const namespace = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'calico-fw', labels: { 'app.kubernetes.io/managed-by': 'calico-fw' } },
    }
    const labels = { 'calico-fw.github.io/change': '1', 'calico-fw.github.io/chunk': '0', 'app.kubernetes.io/managed-by': 'calico-fw' }
    const map = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'checkpoint-1.1', namespace: 'calico-fw', labels },
      data: { header: evil, images: evil },
    }
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'calico-fw-lock', namespace: 'calico-fw', annotations: { 'calico-fw.github.io/step': evil } },
      spec: { holderIdentity: evil, renewTime: '2999-01-01T00:00:00.000000Z' },
    }
    for (const object of [planted, namespace, map, lease]) stage.simulator.objects.create(object)
    if (name.startsWith('an error'))
      stage.simulator.faults.add({
        harm: { kind: 'status', code: 500, message: `${evil} ${'x'.repeat(10_000)}` },
        path: /configmaps|leases/,
        times: 9,
      })
    try {
      const { stdout, stderr } = await stage.run(argv)
      expect(withoutEmphasis(stdout)).not.toMatch(control)
      expect(withoutEmphasis(stderr)).not.toMatch(control)
      expect(stdout.length + stderr.length).toBeGreaterThan(20)
      expect(stderr.length).toBeLessThan(20_000)
    } finally {
      stage.simulator.faults.clear()
      stage.simulator.objects.delete({ apiVersion: v3, kind: 'GlobalNetworkPolicy', name: 'evil' })
      stage.simulator.objects.delete({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'calico-fw', name: 'checkpoint-1.1' })
      stage.simulator.objects.delete({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: 'calico-fw', name: 'calico-fw-lock' })
      stage.simulator.objects.delete({ apiVersion: 'v1', kind: 'Namespace', name: 'calico-fw' })
      const ours = { apiVersion: 'v1', kind: 'Namespace', name: 'calico-fw' }
      await until('our namespace gone', () => stage.simulator.objects.get(ours) === undefined)
    }
  })
})
