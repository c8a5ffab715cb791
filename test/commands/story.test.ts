import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { fieldManager, keys } from '../../src/calico/names.ts'
import type { KubeObject } from '../../src/calico/object.ts'
import { v3 } from '../../src/calico/resources.ts'
import { homeCluster } from '../../src/simulator/seed/home-cluster.ts'
import { openStage, type Stage } from './stage.ts'

const home = readFileSync(join(import.meta.dirname, '../../examples/home.yaml'), 'utf8')

let stage: Stage
beforeAll(async () => {
  stage = await openStage({ seed: homeCluster({ nodes: 3 }) })
  stage.files.set('/home.yaml', home)
})
afterAll(() => stage.close())

const doors = (from: string) =>
  [22, 6443, 10_250, 9100, 31_999, 31_110, 31_852].map((port) => stage.simulator.reach(from, port === 6443 ? 'control1' : 'ws1', port))
const open = (count: number) => Array<string>(count).fill('OPEN')
const ours = () =>
  [
    ...['HostEndpoint', 'GlobalNetworkPolicy', 'GlobalNetworkSet'].flatMap((kind) => stage.simulator.objects.list(v3, kind)),
    ...stage.simulator.objects.list('v1', 'Namespace'),
    ...stage.simulator.objects.list('v1', 'Service'),
  ].filter(({ metadata }) => metadata.labels?.[keys.managedBy] === fieldManager)

// One operator's sitting: every step stands on the one before.
it('closes the home cluster, opens one more address, and goes back to before it came', async () => {
  const { simulator } = stage
  const felix = () => simulator.objects.get({ apiVersion: v3, kind: 'FelixConfiguration', name: 'default' })?.['spec']
  const before = felix()

  const planned = await stage.run(['plan', '-f', '/home.yaml'])
  expect(planned.code).toBe(1)
  expect(planned.stdout).toMatch(/What closes[\s\S]*What stays open[\s\S]*22\/tcp[\s\S]*In this order/)
  expect(stage.writes()).toEqual([])

  const dry = await stage.run(['init', '-f', '/home.yaml', '--dry-run=server'])
  expect(dry).toMatchObject({ code: 0 })
  expect(dry.stderr).toContain('The API server takes every write it can be asked about')
  expect(stage.writes()).toEqual([])

  const made = await stage.run(['init', '-f', '/home.yaml', '--yes'])
  expect(made.stderr).toContain('Undo it: kubectl calico-fw rollback')
  expect(made.code).toBe(0)
  expect(made.stdout).toMatch(/^apiVersion: calico-fw\.github\.io\/v1alpha1/)
  for (const outsider of ['win', 'inet']) expect(doors(outsider)).toEqual(['OPEN', 'OPEN', ...Array<string>(5).fill('TIMEOUT')])
  for (const insider of ['ws2', 'app1/app1-ws1']) expect(doors(insider)).toEqual(open(7))
  expect(['80', '443'].map((port) => simulator.reach('inet', '192.168.218.180', Number(port)))).toEqual(open(2))
  expect(simulator.reach('win', '192.168.218.189', 7443)).toBe('OPEN')

  const status = await stage.run(['status', '-o', 'json'])
  expect(status.code).toBe(0)
  expect(JSON.parse(status.stdout)).toMatchObject({
    apiVersion: 'calico-fw.github.io/v1alpha1',
    kind: 'Status',
    standing: 'kept',
    committedRuns: [1],
  })

  const from = simulator.requests.length
  const again = await stage.run(['init', '-f', '/home.yaml', '--yes'])
  expect(again).toMatchObject({ code: 0 })
  expect(again.stderr).toContain('Nothing to change')
  expect((await stage.run(['plan'])).code).toBe(0)
  expect(stage.writes(from)).toEqual([])

  const added = await stage.run(['add-vip', '192.168.218.174', '--port', '31110/tcp', '--from', '192.168.218.53/32', '-f', '/home.yaml', '--yes'])
  expect(added).toMatchObject({ code: 0 })
  expect([simulator.reach('win', 'ws1', 31_110), simulator.reach('inet', 'ws1', 31_110)]).toEqual(['OPEN', 'TIMEOUT'])
  expect(stage.files.get('/home.yaml')).toContain('# put on the HostEndpoints')
  expect(stage.files.get('/home.yaml')).toContain('vip-192-168-218-174-31110')
  expect((await stage.run(['plan', '-f', '/home.yaml'])).code).toBe(0)

  const sent = simulator.requests.length
  const known = await stage.run(['add-vip', '192.168.218.174', '--port', '31110/tcp', '--from', '192.168.218.53/32', '-f', '/home.yaml', '--yes'])
  expect(known).toMatchObject({ code: 0, stderr: expect.stringContaining('Nothing to open') })
  expect(stage.writes(sent)).toEqual([])
  // Found in a last reading: it went by the file alone, and said so of an opening whose policy somebody had deleted by hand.
  const policy = { apiVersion: v3, kind: 'GlobalNetworkPolicy', name: 'calico-fw-allow-vip-192-168-218-174-31110' }
  const opening = simulator.objects.get(policy)
  simulator.objects.delete(policy)
  const gone = await stage.run(['add-vip', '192.168.218.174', '--port', '31110/tcp', '--from', '192.168.218.53/32', '-f', '/home.yaml'])
  expect(gone).toMatchObject({ code: 2, stderr: expect.not.stringContaining('Nothing to open') })
  simulator.objects.create({ ...opening, metadata: { name: policy.name, labels: opening?.metadata.labels } } as KubeObject)

  const exported = await stage.run(['export'])
  expect(exported.code).toBe(0)
  stage.files.set('/exported.yaml', exported.stdout)
  const quiet = simulator.requests.length
  for (const words of [
    ['apply', '-f', '/exported.yaml', '--yes'],
    ['apply', '-f', '/home.yaml', '--yes'],
    ['sync', '--yes'],
  ]) {
    const unchanged = await stage.run(words)
    expect([words, unchanged.code, unchanged.stderr]).toEqual([words, 0, expect.stringContaining('Nothing to change')])
  }
  expect(stage.writes(quiet)).toEqual([])
  const rendered = await stage.run(['render'])
  const objects = parseAllDocuments(rendered.stdout).map((document) => document.toJS() as { kind: string; metadata: { name: string; uid?: string } })
  expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
    'GlobalNetworkSet calico-fw-nodes',
    'GlobalNetworkSet calico-fw-trusted',
    'Service calico-fw-nodes',
    'GlobalNetworkPolicy calico-fw-base',
    'GlobalNetworkPolicy calico-fw-allow-api-vip',
    'GlobalNetworkPolicy calico-fw-allow-ingress',
    'GlobalNetworkPolicy calico-fw-allow-vip-192-168-218-174-31110',
    'HostEndpoint control1.kryukov.local-ens160',
    'HostEndpoint ws1.kryukov.local-ens160',
    'HostEndpoint ws2.kryukov.local-ens160',
    'GlobalNetworkPolicy calico-fw-deny',
  ])
  expect(objects.every(({ metadata }) => metadata.uid === undefined)).toBe(true)
  expect((await stage.run(['render'])).stdout).toBe(rendered.stdout)

  const useless = await stage.run(['add-vip', '203.0.113.5', '--port', '22/tcp', '--port', '8443/tcp', '--failsafe', '--yes', '-o', 'json'])
  expect(useless.code).toBe(0)
  expect(useless.stderr.replaceAll(/\s+/g, ' ')).toMatch(
    /22\/tcp is open to everyone.*it is a failsafe.*203\.0\.113\.5\/32 lies outside every known network/,
  )
  expect(JSON.parse(useless.stdout)).toMatchObject({ kind: 'AddVip', outcome: 'done', change: 3, entry: { name: 'vip-203-0-113-5-22' } })
  expect(simulator.reach('inet', 'ws1', 8443)).toBe('REFUSED')
  const wouldClose = await stage.run(['plan', '-f', '/home.yaml', '-o', 'json'])
  expect(wouldClose.code).toBe(1)
  expect(JSON.parse(wouldClose.stdout)).toMatchObject({
    kind: 'Plan',
    isInForce: false,
    differences: expect.arrayContaining([expect.objectContaining({ change: 'closes' })]),
  })

  const history = await stage.run(['history'])
  expect(history.code).toBe(0)
  expect(history.stdout).toMatch(
    /^CHANGE +AT +BY +ENDED +STEPS +COMMAND\n1 .* tester@adm\/1-cafe +done, \d+ probes green .*kubectl calico-fw init -f \/home\.yaml --yes\n2 .*add-vip/,
  )
  const first = await stage.run(['history', '1'])
  expect(first.stdout).toMatch(/^Change 1, .*: done[\s\S]*1\.1 [\s\S]*changed or deleted: FelixConfiguration default[\s\S]*HostEndpoint/)
  const bundle = JSON.parse((await stage.run(['history', '1', '--bundle', '-o', 'json'])).stdout)
  expect(bundle).toMatchObject({
    kind: 'ChangeBundle',
    redacted: false,
    change: { number: 1, by: 'tester@adm/1-cafe', outcome: 'done' },
    chain: { breaks: [], head: expect.stringMatching(/^sha256:/) },
  })
  expect(history.stdout).toContain(`one unbroken chain, which ends in ${bundle.chain.head}`)
  const [one, ...others] = bundle.checkpoints
  expect(one.evidence).toMatchObject({
    versions: { kubernetes: expect.stringMatching(/^v1/), calico: expect.any(String) },
    plan: { change: 1, differences: expect.arrayContaining([expect.objectContaining({ change: 'closes' })]) },
    proof: { checked: expect.any(Number), undecided: [] },
  })
  expect(one.evidence.probes.length).toBeGreaterThan(20)
  expect(one.evidence.probes).toContainEqual(expect.objectContaining({ expect: 'open', before: 'ok' }))
  expect(others.at(-1).green).toBeGreaterThan(20)
  expect(others.every((later: { evidence?: unknown }) => later.evidence === undefined)).toBe(true)
  // The one allow policy that `--failsafe` and `add-vip` never touched is as it is now; what the failsafes were, the third change found.
  expect(bundle.after).toContainEqual(expect.objectContaining({ object: 'GlobalNetworkPolicy calico-fw-allow-ingress', seen: 'now' }))
  expect(bundle.after).toContainEqual(expect.objectContaining({ object: 'FelixConfiguration default', seen: 'before step 3.1' }))
  const hidden = (await stage.run(['history', '1', '--bundle', '--redact'])).stdout
  expect(hidden).toMatch(/^apiVersion: calico-fw[^\n]*\nkind: ChangeBundle[\s\S]*redacted: true[\s\S]*by: operator\n[\s\S]*address-\d+/)
  expect(hidden).not.toMatch(/192\.168\.218|tester@adm/)

  expect(await stage.run(['history', '9'])).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no change 9') })

  const header = simulator.objects.list('v1', 'ConfigMap').find(({ metadata }) => metadata.name === 'checkpoint-2.1')
  simulator.objects.delete({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'calico-fw', name: 'checkpoint-2.1' })
  const broken = await stage.run(['history'])
  expect(broken).toMatchObject({ code: 1, stderr: expect.stringContaining('before checkpoint 3.1 another one stood than is there now') })
  expect(broken.stdout).not.toContain('unbroken')
  expect(broken.stderr).toContain('checkpoint 2.1, of which this machine has a copy, is damaged in the cluster or gone from it')
  if (header !== undefined) simulator.objects.create(header)
  expect((await stage.run(['history'])).code).toBe(0)

  // The one that holds how FelixConfiguration was before everything.
  const first11 = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'calico-fw', name: 'checkpoint-1.1' }
  const whole = simulator.objects.get(first11)
  simulator.objects.delete(first11)
  if (whole !== undefined) simulator.objects.create({ ...whole, data: { ...(whole['data'] as object), images: 'damaged' } })
  const undone = await stage.run(['rollback', '--to', '0', '--yes', '-o', 'yaml'])
  expect(undone.code).toBe(0)
  expect(undone.stderr).toContain("checkpoint 1.1 is damaged in the cluster or gone from it; this machine's copy stands in")
  expect(undone.stdout).toContain('kind: Rollback')
  for (const anybody of ['win', 'inet', 'ws2']) expect(doors(anybody)).toEqual(open(7))
  await expect.poll(ours).toEqual([])
  expect(felix()).toEqual(before)
  const after = await stage.run(['history', '-o', 'json'])
  expect(JSON.parse(after.stdout)).toMatchObject({
    kind: 'History',
    changes: expect.arrayContaining([expect.objectContaining({ number: 1, where: 'this machine' })]),
  })
}, 60_000)
