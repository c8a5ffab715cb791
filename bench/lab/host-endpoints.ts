/**
 * HostEndpoints on the lab's real API server: the product's runner, `kubectl apply --server-side` and `calicoctl apply`, in turn, each a process of its own:
 * node scripts/run-ts.mjs bench/lab/host-endpoints.ts [COUNT...]. Then all nodes of a closed cluster that has as many HostEndpoints are opened.
 */
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { keys, names, ownLabels } from '../../src/calico/names.ts'
import type { KubeObject } from '../../src/calico/object.ts'
import { v3 } from '../../src/calico/resources.ts'
import { findBinaries } from '../../test/lab/binaries.ts'
import { down, type Lab } from '../../test/lab/lab.ts'
import { defaultDir, stateDir } from '../../test/lab/machine/state.ts'
import { parseVariant } from '../../test/lab/options.ts'
import { builtControlPlane, namespacePrefix } from '../../test/lab/place.ts'
import { initHome } from '../../test/lab/proofs/home-init.ts'
import { watchOpening } from '../../test/lab/proofs/opening.ts'
import { runTool } from '../../test/lab/tool.ts'
import { up } from '../../test/lab/up.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const counts = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [300, 1_000, 5_000]
/** calicoctl writes one after the other: above this its time is reckoned from here. */
const mostForCalicoctl = 300
const say = (line: string): void => void process.stdout.write(`${line}\n`)
const secondsOf = (ms: number): string => `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`

/** Of nodes that do not exist, so that no Felix closes anything by them; `change` tells one set of them from the next. */
const hostEndpoints = (count: number, change: number): KubeObject[] =>
  Array.from({ length: count }, (_, at) => ({
    apiVersion: v3,
    kind: 'HostEndpoint',
    metadata: { name: `bench-${change}-${at}`, labels: ownLabels({ [keys.run]: `${change}` }) },
    spec: { node: `bench-${at}`, interfaceName: 'eth0', expectedIPs: [`10.${at >> 8}.${at & 255}.1`], profiles: [names.defaultAllowProfile] },
  }))

const bench = async (lab: Lab): Promise<void> => {
  const kubeconfig = lab.state.at('pki', 'admin.kubeconfig')
  const kubectl = join(lab.binaries.controlPlane, 'kubectl')
  /** Milliseconds a program takes on the operator's host, and what it printed; the lab lives on meanwhile. */
  const timed = async (argv: readonly string[], env: Record<string, string> = {}): Promise<{ ms: number; out: string }> => {
    const [program = '', ...rest] = lab.argvIn('adm', argv)
    const began = performance.now()
    const { stdout } = await promisify(execFile)(program, rest, {
      ...{ cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 },
      env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...env },
    })
    return { ms: performance.now() - began, out: stdout }
  }
  const fileOf = (count: number, change: number): string => {
    // JSON is YAML, and documents one after the other is what all three read.
    const path = lab.state.at(`host-endpoints-${change}.yaml`)
    writeFileSync(
      path,
      hostEndpoints(count, change)
        .map((one) => JSON.stringify(one))
        .join('\n---\n'),
    )
    return path
  }
  const program = bundled('write-host-endpoints')
  const details: string[] = []
  const ours = async (path: string, change: number): Promise<number> => {
    const { ms, out } = await timed([process.execPath, program, kubeconfig, path, `${change}`])
    const { requests, rss } = JSON.parse(out) as { requests: number; rss: number }
    details.push(`${requests} requests, ${(rss / 2 ** 20).toFixed(0)} MB`)
    return ms
  }
  const byKubectl = async (path: string): Promise<number> =>
    (await timed([kubectl, `--kubeconfig=${kubeconfig}`, 'apply', '--server-side', '--field-manager=bench', '-f', path])).ms
  const byCalicoctl = async (path: string): Promise<number | undefined> => {
    if (lab.binaries.calicoctl === undefined) return undefined
    const env = { KUBECONFIG: kubeconfig, DATASTORE_TYPE: 'kubernetes', CALICO_API_GROUP: 'projectcalico.org/v3' }
    return (await timed([lab.binaries.calicoctl, '--allow-version-mismatch', 'apply', '-f', path], env)).ms
  }
  const clear = async (change: number): Promise<void> => {
    await lab.api.request('DELETE', `/apis/projectcalico.org/v3/hostendpoints?labelSelector=${encodeURIComponent(`${keys.run}=${change}`)}`)
  }

  let change = 900
  say('HostEndpoints | | this tool | kubectl apply --server-side | ratio | calicoctl apply | ratio')
  for (const count of counts) {
    // Each writer meets objects nobody has written: three sets of names.
    const [mine, theirs, last] = [++change, ++change, ++change]
    const paths = [fileOf(count, mine), fileOf(count, theirs), fileOf(Math.min(count, mostForCalicoctl), last)] as const
    for (const what of ['new', 'unchanged']) {
      details.length = 0
      const own = await ours(paths[0], what === 'new' ? mine : mine + 50)
      const other = await byKubectl(paths[1])
      const some = await byCalicoctl(paths[2])
      const third = some === undefined ? undefined : (some * count) / Math.min(count, mostForCalicoctl)
      const reckoned = count > mostForCalicoctl ? ', reckoned from 300' : ''
      say(
        [
          `${count}`,
          what,
          `${secondsOf(own)} (${details.join(', ')})`,
          ...[secondsOf(other), `${(other / own).toFixed(1)}x`],
          ...(third === undefined ? ['-', '-'] : [`${secondsOf(third)}${reckoned}`, `${(third / own).toFixed(1)}x`]),
        ].join(' | '),
      )
    }
    for (const one of [mine, theirs, last]) await clear(one)
  }
  await proveOpens(lab, Math.max(...counts), fileOf, ours)
}

/** Time to open a closed cluster that has so many HostEndpoints. */
const proveOpens = async (
  lab: Lab,
  count: number,
  fileOf: (count: number, change: number) => string,
  ours: (path: string, change: number) => Promise<number>,
): Promise<void> => {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', name: 'calico-fw' }
  await lab.api.request('DELETE', `/api/v1/namespaces/${namespace.name}`)
  while ((await lab.api.get(namespace)) !== undefined) await new Promise((resolve) => setTimeout(resolve, 200))
  await initHome(lab)
  const many = fileOf(count, 1)
  await ours(many, 990)
  const watching = await watchOpening(lab)
  const since = Date.now()
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  if (!watching.closedSince(since)) throw new Error('the cluster is not closed')
  const end = await runTool(lab, ['open'])
  const from = await watching.openFrom(end.began, end.ended + 30_000)
  await watching.stop()
  say(
    `\nopen, with ${count + 3} HostEndpoints: exit ${end.code}; the tool takes ${secondsOf(end.ended - end.began)} whole; every port of the lab's nodes answers ${from === undefined ? 'never' : secondsOf(from - end.began)} after it was started`,
  )
}

/** The program as `npm run bench` would start it, bundled beforehand: making the bundle is no part of what is measured. */
const bundled = (name: string): string => {
  const out = join(root, 'node_modules', '.cache', `${name}.mjs`)
  const { status, stderr } = spawnSync(
    join(root, 'node_modules', '.bin', 'esbuild'),
    [
      join(root, 'bench', 'lab', `${name}.ts`),
      '--bundle',
      '--platform=node',
      '--format=esm',
      '--packages=external',
      `--outfile=${out}`,
      '--log-level=error',
    ],
    { encoding: 'utf8' },
  )
  if (status !== 0 || !existsSync(out)) throw new Error(stderr)
  return out
}

const state = stateDir(defaultDir(process.env))
const lab = await up(state, parseVariant([]), findBinaries(process.env, builtControlPlane(process.env)), namespacePrefix(process.env))
try {
  await bench(lab)
} finally {
  lab.api.close()
  await down(state)
}
process.exit()
