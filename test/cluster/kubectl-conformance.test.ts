import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { ConnectionFlags } from '../../src/cluster/kubeconfig/connection-flags.ts'
import { resolveKubeconfig } from '../../src/cluster/kubeconfig/resolve-kubeconfig.ts'

const kubectl = 'kubectl'
const hasKubectl = spawnSync(kubectl, ['version', '--client']).status === 0

/** What kubectl itself makes of the same files, environment and flags. */
describe.skipIf(!hasKubectl)('the same context, cluster and user as kubectl config view --minify', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'kubeconfig-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(path.join(folder, 'sub/pki'), { recursive: true })
  const file = (name: string, content: string): string => {
    writeFileSync(path.join(folder, name), content)
    return path.join(folder, name)
  }
  const one = (name: string, cluster: string, user: string, current = name): string =>
    `current-context: ${current}\nclusters: [{name: ${name}, cluster: {${cluster}}}]\nusers: [{name: ${name}, user: {${user}}}]\ncontexts: [{name: ${name}, context: {cluster: ${name}, user: ${name}, namespace: ns-${name}}}]\n`
  for (const pem of ['a.crt', 'sub/pki/b.crt', 'sub/b.crt', 'b.key']) file(pem, `content of ${pem}`)
  const a = file('a', one('a', 'server: "https://a:1", certificate-authority: a.crt', 'token: t-a'))
  const b = file(
    'sub/b',
    one('b', 'server: "https://b:1", certificate-authority: pki/b.crt, tls-server-name: bb', 'client-certificate: b.crt, client-key: ../b.key'),
  )
  const dup = file('dup', one('a', 'server: "https://dup:1", proxy-url: "http://p:1"', 'token: t-dup'))
  const empty = file('empty', '')
  const none = file('none', one('m', 'server: "https://m:1"', `as: jane, as-groups: [v, w], tokenFile: ${folder}/tok`, '""'))
  const odd = file(
    'odd',
    `current-context: zero\n${one('o', 'server: "https://o:1", insecure-skip-tls-verify: y', 'username: u, password: p')}---\ncurrent-context: other`,
  )
  const gone = path.join(folder, 'gone')

  it.each<[string, string[], ConnectionFlags]>([
    ['one file', [a], {}],
    ['a, then b', [a, b], {}],
    ['b, then a', [b, a], {}],
    ['a missing file first', [gone, b], {}],
    ['the same names twice, first wins', [a, dup], {}],
    ['the same names twice, the other way round', [dup, a], {}],
    ['an empty file first', [empty, b], {}],
    ['no current context in the first', [none, b], {}],
    ['--context into another file', [a, b], { context: 'b' }],
    ['--context into a file without current context', [none], { context: 'm' }],
    ['YAML 1.1 words, repeated keys, two documents', [odd], {}],
  ])('%s', (_title, files, flags) => {
    const env = { HOME: folder, PATH: process.env.PATH ?? '', KUBECONFIG: files.join(':') }
    const seen = execFileSync(
      kubectl,
      ['config', 'view', '--minify', '--flatten', '-o', 'json', ...(flags.context ? ['--context', flags.context] : [])],
      { env, encoding: 'utf8' },
    )
    const view = JSON.parse(seen)
    const ours = resolveKubeconfig(flags, {
      env,
      platform: process.platform,
      home: folder,
      cwd: folder,
      readFile: (name) => readFileSync(name),
      now: () => 0,
      terminal: { stdin: 0, stderr: 2, isTerminal: false },
    })
    // kubectl leaves out what is empty, and --flatten puts the content of files in their place.
    const isGiven = (value: unknown): boolean =>
      value === true || (typeof value === 'string' && value !== '') || (Array.isArray(value) && value.length > 0)
    const given = (entry: object): object =>
      Object.fromEntries(
        Object.entries(entry).flatMap(([key, value]) => {
          if (!isGiven(value)) return []
          return ['certificate-authority', 'client-certificate', 'client-key'].includes(key)
            ? [[`${key}-data`, readFileSync(value).toString('base64')]]
            : [[key, value]]
        }),
      )
    expect({ context: ours.context, namespace: ours.namespace, clusterName: ours.clusterName, userName: ours.userName }).toEqual({
      context: view['current-context'],
      namespace: view.contexts[0].context.namespace,
      clusterName: view.clusters[0].name,
      userName: view.users[0].name,
    })
    expect(given(ours.cluster)).toEqual(view.clusters[0].cluster)
    expect(given(ours.user)).toEqual(view.users[0].user)
  })
})
