import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../src/calico/object.ts'
import { sectionsOf } from '../../src/cluster/kubeconfig/sections.ts'
import type { PodCommand } from '../../src/cluster/pods/exec.ts'
import { nodeShell } from '../../src/cluster/pods/node-shell.ts'
import { FwError } from '../../src/errors.ts'
import type { Components } from '../../src/firewall/facts/components.ts'
import { parseHostFirewall } from '../../src/firewall/file/firewall-file.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import { felixScript, processesIn, readinessIn } from '../../src/probe/felix-script.ts'
import { policiesOn, programmedIn, rulesOf } from '../../src/probe/programmed.ts'
import { createRealised, type RealisedContext } from '../../src/probe/realised.ts'
import { homeFacts, nodeName } from '../fixtures/home-facts.ts'
import { objectApi } from '../fixtures/object-api.ts'

/** What the look printed on ws1 with the home example kept: Felix 3.32.1, kube-proxy 1.36, three nodes. */
const looks = {
  'iptables-legacy': readFileSync(new URL('./outputs/felix-iptables.txt', import.meta.url), 'utf8'),
  'native nftables': readFileSync(new URL('./outputs/felix-nftables.txt', import.meta.url), 'utf8'),
}
const home = readFileSync(new URL('../../examples/home.yaml', import.meta.url), 'utf8')
const facts = homeFacts({ nodes: 3 })
const plan = makePlan({ firewall: parseHostFirewall(home, 'home.yaml'), facts, change: 1, windowSeconds: 90 })
const kept = [
  ...plan.batches.flatMap(({ hostEndpoints }) => hostEndpoints),
  plan.deny,
  ...plan.policies.filter(({ metadata }) => !/gate/.test(metadata.name)),
]
const { signal } = new AbortController()

/** Only ws1 answers: its facts alone are given. */
const looking = (stdout: string | ((run: PodCommand) => string), more: Partial<RealisedContext> = {}, objects: readonly KubeObject[] = kept) => {
  const asked: PodCommand[] = []
  const { realised } = createRealised({
    api: objectApi(objects),
    facts: { ...facts, nodes: facts.nodes.filter(({ name }) => name === nodeName('ws1')) },
    shell: nodeShell(async (run) => {
      asked.push(run)
      return { stdout: typeof stdout === 'function' ? stdout(run) : stdout, stderr: '', exitCode: 0 }
    }, undefined),
    ...more,
  })
  return { asked, look: async (of: readonly KubeObject[]) => (await realised(of, signal))[0] }
}

test('a Service as a destination, which native nftables matches by address and port together, names no network', () => {
  const printed = [
    '\tchain filter-cali-po-egress {',
    '\t\tip daddr @cali40s-RDx counter packets 0 bytes 0 meta mark set meta mark | 0x00010000 comment "cali:SgI5; GlobalNetworkPolicy calico-fw-egress egress"',
    '\t\tip daddr . meta l4proto . th dport @cali40svc-gcQ counter packets 0 bytes 0 meta mark set meta mark | 0x00010000 comment "cali:8Gw5;"',
    '\t\tip daddr 192.168.218.53 tcp dport 445 counter packets 6 bytes 360 meta mark set meta mark | 0x00010000 comment "cali:YMS3;"',
    '\t}',
  ].join('\n')
  const rules = rulesOf(programmedIn(new Map([['native4', { text: printed, code: 0 }]])), 'calico-fw-egress')
  expect([[...(rules?.nets ?? [])], [...(rules?.ports ?? [])]]).toEqual([['192.168.218.53/32'], ['445']])
})

describe.each(Object.entries(looks))('on %s', (_, look) => {
  const programmed = programmedIn(sectionsOf(look))

  test('the interface meets every policy of ours through Felix’s groups and hashed names', () => {
    expect([...policiesOn(programmed, 'ens160')].sort()).toEqual([
      'calico-fw-allow-api-vip',
      'calico-fw-allow-ingress',
      'calico-fw-base',
      'calico-fw-deny',
    ])
    expect(policiesOn(programmed, 'ens16').size).toBe(0)
  })

  test('a policy’s networks and ports are read out of its rules', () => {
    const rules = rulesOf(programmed, 'calico-fw-allow-ingress')
    expect([[...(rules?.nets ?? [])], [...(rules?.ports ?? [])]]).toEqual([['192.168.218.180/32'], ['80', '443']])
    expect(rulesOf(programmed, 'calico-fw-allow')).toBeUndefined()
  })

  test('what was written is there', async () => {
    const { look: ask } = looking(look)
    for (const objects of [
      plan.batches.flatMap(({ hostEndpoints }) => hostEndpoints),
      plan.policies.filter(({ metadata }) => !/gate/.test(metadata.name)),
      plan.sets,
      [plan.deny],
    ])
      expect(await ask(objects)).toMatchObject({ node: nodeName('ws1'), state: 'programmed' })
  })

  const allow = plan.policies.find(({ metadata }) => metadata.name === 'calico-fw-allow-ingress') as KubeObject
  const rule = (nets: string[], ports: (number | string)[]) => ({
    ...allow,
    spec: { ...(allow['spec'] as object), ingress: [{ action: 'Allow', protocol: 'TCP', destination: { nets, ports } }] },
  })
  const trusted = plan.sets.find(({ metadata }) => metadata.name === 'calico-fw-trusted') as KubeObject
  const endpoint = plan.batches
    .flatMap(({ hostEndpoints }) => hostEndpoints)
    .find(({ spec }) => (spec as { node: string }).node === nodeName('ws1')) as KubeObject

  test.each<[string, KubeObject, string]>([
    ['a policy with one port more', rule(['192.168.218.180/32'], [80, 443, 8443]), 'policy calico-fw-allow-ingress'],
    ['a policy with one port less', rule(['192.168.218.180/32'], [80]), 'policy calico-fw-allow-ingress'],
    ['a policy for another address', rule(['192.168.218.181/32'], [80, 443]), 'policy calico-fw-allow-ingress'],
    ['a policy that is not there', { ...allow, metadata: { ...allow.metadata, name: 'calico-fw-allow-new' } }, 'policy calico-fw-allow-new'],
    ['a set with one network more', { ...trusted, spec: { nets: ['10.233.0.0/16', '10.99.0.0/24'] } }, 'set calico-fw-trusted'],
    [
      'failsafes with one port more',
      {
        apiVersion: 'v3',
        kind: 'FelixConfiguration',
        metadata: { name: 'default' },
        spec: { failsafeInboundHostPorts: [{ protocol: 'TCP', port: 7444 }] },
      },
      'inbound failsafes',
    ],
    ['another interface', { ...endpoint, spec: { ...(endpoint['spec'] as object), interfaceName: 'ens224' } }, 'interface ens224'],
  ])('%s is behind', async (_name, object, what) => {
    const { look: ask } = looking(look, {}, [
      ...kept.filter(({ kind, metadata }) => kind !== object.kind || metadata.name !== object.metadata.name),
      object,
    ])
    const seen = await ask([object])
    expect(seen).toMatchObject({ state: 'behind' })
    expect(seen?.sentence).toContain(`has not programmed ${what}`)
  })

  test('a network another one of the set covers is there', async () => {
    expect(await looking(look).look([{ ...trusted, spec: { nets: ['10.233.64.0/18'] } }])).toMatchObject({ state: 'programmed' })
  })

  test('policies nothing selects leave no trace, and are not waited for', async () => {
    expect(await looking(look, {}, []).look(plan.policies)).toMatchObject({ state: 'idle' })
  })
})

/** A look at a Felix with these words in /proc/PID/stat. */
const felix = ({
  state = 'S',
  start = 1_000,
  uptime = 100,
  pid = 7,
  peer = 0,
  readiness = '200 OK',
}: Record<string, unknown> & { state?: string } = {}): string =>
  [
    '@@ felix',
    ...(state === '' ? [] : [`${pid} (calico-node (x) S) ${state} 1 1 1 0 -1 4194560 9190 0 0 0 1 1 0 0 20 0 10 0 ${start} 1 1 1`]),
    '@@ end 0',
    `@@ uptime\n${uptime} 1\n@@ end 0`,
    `@@ readiness\nHTTP/1.0 ${readiness}\n\n| COMPONENT | TIMEOUT | LIVENESS | READINESS | DETAIL |\n| FelixStartup | - | reporting live | reporting non-ready | waits |\n@@ end 0`,
    `@@ peer.192.168.218.171.6443\n@@ end ${peer}`,
  ].join('\n')

describe('Felix itself', () => {
  test.each<[string, string, string, RegExp]>([
    ['that runs', felix(), 'idle', /runs/],
    [
      'stopped by a signal',
      felix({ state: 'T' }),
      'stopped',
      /kubectl exec -n calico-system calico-node-ws1 -c calico-node -- bash -c 'kill -CONT 7'/,
    ],
    ['cut off from the API', felix({ peer: 124 }), 'cut', /cannot reach the API \(192\.168\.218\.171:6443\)/],
    ['not ready', felix({ readiness: '503 Service Unavailable' }), 'not-ready', /FelixStartup, reporting non-ready, waits/],
    ['just started', felix({ start: 9_900 }), 'restarting', /just started/],
    ['gone a moment ago', felix({ state: '' }), 'restarting', /not back yet/],
    ['without an answer', '', 'unseen', /no answer/],
  ])('%s', async (_, stdout, state, words) => {
    const seen = await looking(stdout).look([])
    expect(seen?.state).toBe(state)
    expect(seen?.sentence).toMatch(words)
  })

  const afterLooks = async (...stdouts: string[]) => {
    const queue = [...stdouts]
    const { look } = looking(() => queue.shift() ?? '')
    let last: Awaited<ReturnType<typeof look>>
    for (const _ of stdouts) last = await look([])
    return last?.state
  }

  test('one restart is none of its business; one that ends again and again crashes; one that never comes is down', async () => {
    expect(
      await afterLooks(
        felix(),
        felix({ state: '', uptime: 101 }),
        felix({ pid: 8, start: 10_200, uptime: 103 }),
        felix({ pid: 8, start: 10_200, uptime: 106 }),
      ),
    ).toBe('idle')
    expect(
      await afterLooks(felix({ state: '', uptime: 101 }), felix({ pid: 8, start: 10_200, uptime: 102.1 }), felix({ state: '', uptime: 105.5 })),
    ).toBe('crashing')
    expect(await afterLooks(felix({ state: '', uptime: 101 }), felix({ state: '', uptime: 105.5 }))).toBe('down')
  })

  // Found in review: a short pod asked 9099 alone, and told of a Felix on OpenShift (9199), or without health reports, that it does not run.
  test.each<[string, Record<string, string>, number | undefined, string]>([
    ['as Felix has it by default', {}, 9_099, 'down'],
    ['on the port it is set to', { healthPort: '9199' }, 9_199, 'down'],
    ['where a setting is no port', { healthPort: 'x' }, 9_099, 'down'],
    ['switched off', { healthEnabled: 'false' }, undefined, 'unseen'],
  ])('health is asked %s', async (_name, settings, port, afterSilence) => {
    const felixSettings = Object.entries(settings).map(([name, value]) => ({ name, value, source: 'test' }))
    const scripts: string[] = []
    const uptimes = [1_000, 1_010]
    const byPods = nodeShell(
      async () => {
        throw new FwError('FW_FORBIDDEN', 'no')
      },
      async ({ command }) => {
        scripts.push(command[2] ?? '')
        const health = command[2]?.includes('@@ readiness') ? ['@@ readiness\n\n@@ end 1'] : []
        return { stdout: ['@@ felix\n@@ end 0', `@@ uptime\n${uptimes.shift()} 1\n@@ end 0`, ...health, ''].join('\n'), stderr: '', exitCode: 0 }
      },
    )
    const { look } = looking('', {
      shell: byPods,
      facts: { ...facts, components: { felixSettings } as unknown as Components, nodes: facts.nodes.slice(1, 2) },
    })
    await look([])
    expect((await look([]))?.state).toBe(afterSilence)
    expect(/127\.0\.0\.1\/(\d+) && printf "GET \/readiness/.exec(scripts[0] ?? '')?.[1]).toBe(port === undefined ? undefined : `${port}`)
  })

  test('metrics are asked where calico-node’s environment says they are', async () => {
    const felixSettings = [{ name: 'prometheusMetricsPort', value: '9191', source: 'environment variable FELIX_PROMETHEUSMETRICSPORT' }]
    const { asked, look } = looking(felix(), {
      facts: { ...facts, components: { felixSettings } as unknown as Components, nodes: facts.nodes.slice(1, 2) },
    })
    await look(kept)
    expect(asked[0]?.command[2]).toContain('127.0.0.1/9191')
  })

  // Found in review: kubelet runs `calico-node -felix-ready` in the same container every ten seconds, and that was taken for a Felix that had just started.
  test('a readiness probe is not Felix, though its process id stands before', async () => {
    const stat = (pid: number, start: number) => `${pid} (calico-node) S 60 60 60 0 -1 0 1 1 1 1 1 1 1 1 20 0 20 0 ${start} 1 1`
    const meeting = (uptime: number) => felix({ uptime }).replace(/^7 .*$/m, [stat(1_203, (uptime - 1) * 100), stat(74, 5_000)].join('\n'))
    expect(await afterLooks(meeting(1_000))).toBe('idle')
    expect(await afterLooks(meeting(1_000), meeting(1_010))).toBe('idle')
  })

  test.runIf(existsSync('/proc/self/ns/net'))('the look itself leaves probes out', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'calico-node-'))
    const program = join(directory, 'calico-node')
    writeFileSync(program, '#!/bin/bash\necho here\nread -r\n', { mode: 0o755 })
    const started = await Promise.all(
      [['-felix'], ['-felix-ready', '-bird-ready'], ['-felix-live', '-bird-live'], ['component', 'node', 'health', '--felix-ready']].map(
        async (words) => {
          const child = spawn(program, words)
          await once(child.stdout, 'data')
          return child
        },
      ),
    )
    try {
      const { stdout } = await promisify(execFile)('bash', [
        '-c',
        felixScript({ peers: [], rules: 'none', healthPort: undefined, metricsPort: 9091 }),
      ])
      const seen = new Set(processesIn(sectionsOf(stdout).get('felix')?.text ?? '').map(({ pid }) => pid))
      expect(started.map(({ pid }) => seen.has(pid ?? 0))).toEqual([true, false, false, false])
    } finally {
      for (const child of started) child.stdin.end()
      rmSync(directory, { recursive: true })
    }
  })

  test('its process is found behind any name, and its health behind any padding', () => {
    expect(processesIn('7 (a) b) c) T 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 10 0 555 1\nnonsense')).toEqual([{ pid: 7, state: 'T', start: 555 }])
    expect(readinessIn('')).toBeUndefined()
    expect(readinessIn('HTTP/1.1 204 No Content\n\n')).toEqual({ ready: true })
  })
})

describe('asking', () => {
  test('the cluster is asked once for one write; nodes the write does not concern are not asked at all', async () => {
    const api = objectApi(kept)
    const asked: string[] = []
    const { realised } = createRealised({
      api,
      facts,
      shell: nodeShell(async ({ pod }) => {
        asked.push(pod)
        return { stdout: looks['iptables-legacy'], stderr: '', exitCode: 0 }
      }, undefined),
    })
    const one = plan.batches.flatMap(({ hostEndpoints }) => hostEndpoints).slice(0, 1)
    await realised(one, signal)
    await realised(one, signal)
    expect(asked).toHaveLength(2)
    expect(new Set(asked).size).toBe(1)
    expect(api.calls).toEqual(['projectcalico.org/v3 globalnetworkpolicies'])
  })

  test('a pod that was replaced is found again; a node that cannot be looked into is unseen', async () => {
    const replacement: KubeObject = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'calico-node-new', namespace: 'calico-system' },
      spec: { nodeName: nodeName('ws1'), containers: [{ name: 'calico-node' }] },
    }
    const answer = ({ pod }: PodCommand): string => {
      if (pod === 'calico-node-new') return felix()
      throw new FwError('FW_NOT_FOUND', 'gone')
    }
    expect(await looking(answer, {}, [replacement]).look([])).toMatchObject({ state: 'idle' })
    expect(await looking(answer, {}, []).look([])).toEqual({
      node: nodeName('ws1'),
      state: 'unseen',
      sentence: `nobody can look into ${nodeName('ws1')}: gone`,
    })
  })

  test('under eBPF nothing is looked for in a packet filter', async () => {
    const bpf = { facts: { ...facts, calico: { ...facts.calico, dataplane: 'bpf' as const } } }
    expect(await looking(felix(), bpf).look(plan.policies)).toMatchObject({ state: 'idle' })
  })
})
