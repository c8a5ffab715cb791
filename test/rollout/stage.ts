import { readFileSync } from 'node:fs'
import type { KubeObject } from '../../src/calico/object.ts'
import { resourceOf, v3 } from '../../src/calico/resources.ts'
import type { GlobalNetworkPolicy, HostEndpoint, Tier } from '../../src/calico/shapes.ts'
import type { Api } from '../../src/cluster/api.ts'
import { createApi } from '../../src/cluster/create-api.ts'
import { resolveKubeconfig } from '../../src/cluster/kubeconfig/resolve-kubeconfig.ts'
import { withStoredCalico } from '../../src/cluster/stored-api.ts'
import type { Timer } from '../../src/cluster/transport/call-signal.ts'
import { connect } from '../../src/cluster/transport/connect.ts'
import { discover } from '../../src/discovery/discover.ts'
import type { Facts } from '../../src/firewall/facts/facts.ts'
import { parseHostFirewall } from '../../src/firewall/file/firewall-file.ts'
import type { Plan } from '../../src/firewall/plan/plan.ts'
import { makePlan } from '../../src/firewall/plan/plan-maker.ts'
import type { Probe, ProbeResult } from '../../src/firewall/probes/probes.ts'
import { parseAddress } from '../../src/net/address.ts'
import type { Accepted } from '../../src/proof/accepted.ts'
import { foreignDangers } from '../../src/proof/foreign-dangers.ts'
import { initSteps } from '../../src/rollout/init-steps.ts'
import type { ProbeRunner, Progress, RolloutPorts } from '../../src/rollout/ports.ts'
import { type Run, startRun } from '../../src/rollout/runner.ts'
import { readSituation } from '../../src/rollout/situation.ts'
import type { RunConfig } from '../../src/rollout/state.ts'
import { type HomeClusterOptions, homeCluster } from '../../src/simulator/seed/home-cluster.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { type VirtualClock, virtualClock } from '../../src/simulator/virtual-clock.ts'
import { machineWith } from '../cluster/test-machine.ts'

const home = readFileSync(new URL('../../examples/home.yaml', import.meta.url), 'utf8')

/** A simulated home cluster in virtual time, and everything to run a rollout on it. */
export interface Stage {
  readonly clock: VirtualClock
  readonly sim: Simulator
  readonly api: Api
  /** What the outside sees: every place to every door, as one comparable value. */
  table(): Record<string, string>
  facts(): Promise<Facts>
  plan(windowSeconds?: number): Promise<Plan>
  config(plan: Plan): RunConfig
  ports(changes?: Partial<RolloutPorts>): RolloutPorts
  /** Starts `init` on the home example. */
  init(options?: { plan?: Plan; ports?: Partial<RolloutPorts>; accepted?: Accepted }): Promise<Run>
  readonly progress: Progress[]
  /** Objects of ours that are left in the cluster, the namespace and what lives in it aside. */
  leftovers(): string[]
  close(): Promise<void>
}

const managed = (object: KubeObject) => object.metadata.labels?.['app.kubernetes.io/managed-by'] === 'calico-fw'

/** `tls`: the API is spoken to through the product's own connection, over TLS, sockets and the simulated firewall; otherwise by function calls. */
export const setStage = async ({ tls = false, ...options }: HomeClusterOptions & { readonly tls?: boolean } = {}): Promise<Stage> => {
  // Virtual time stands still while sockets carry anything.
  let activity = (): number => 0
  const clock = virtualClock({ activity: () => activity() })
  const seed = homeCluster({ nodes: 3, ...options })
  const sim = await startSimulator({ clock, seed, listen: tls })
  activity = sim.activity
  // Controllers fill EndpointSlices and Felix programs what it finds before anybody looks.
  await clock.advance(5_000)
  const api = withStoredCalico(tls ? overTls(sim, clock) : sim.api())
  const progress: Progress[] = []
  let run = 0

  const facts = () =>
    clock.drive(
      discover(api, {
        contextName: 'home',
        server: 'https://192.168.218.189:7443',
        now: () => clock.wall(),
        lookup: async () => [],
        operatorAddresses: async () => [parseAddress('192.168.218.170')],
      }),
    )
  const ports = (changes: Partial<RolloutPorts> = {}): RolloutPorts => ({
    api,
    clock,
    prober: prober(sim, api, clock),
    journal: { saveCheckpoint: async () => undefined, appendHistory: async () => undefined },
    ask: async () => 'keep',
    report: (event) => progress.push(event),
    holder: `alice@laptop/${++run}`,
    command: 'kubectl calico-fw init -f home.yaml',
    dangers: async (hostEndpoints) => {
      const list = async (kind: string) => (await api.list(resourceOf(v3, kind))) ?? []
      const [policies, present, tiers] = await Promise.all([list('GlobalNetworkPolicy'), list('HostEndpoint'), list('Tier')])
      return foreignDangers({
        plannedHostEndpoints: hostEndpoints,
        policies: policies as GlobalNetworkPolicy[],
        hostEndpoints: present as HostEndpoint[],
        tiers: tiers as Tier[],
      })
    },
    ...changes,
  })
  const plan = async (windowSeconds = 30) => {
    const found = await facts()
    const situation = await clock.drive(readSituation(api, found.calico.flavour))
    const change = Math.max(0, ...situation.changes.map(({ number }) => number)) + 1
    return makePlan({ firewall: parseHostFirewall(home, 'home.yaml'), facts: found, change, windowSeconds })
  }
  const config = ({ change, openSet, gate }: Plan): RunConfig => ({
    change,
    windowSeconds: (gate.job['spec'] as { activeDeadlineSeconds: number }).activeDeadlineSeconds,
    maxLagMs: 5_000,
    maxQuestionMs: 600_000,
    openSet,
    opened: false,
    isRollback: false,
  })
  const nodes = ['control1', 'ws1', 'ws2'].slice(0, options.nodes ?? 3)
  return {
    clock,
    sim,
    api,
    facts,
    plan,
    config,
    ports,
    progress,
    table: () => {
      const rows: [string, string][] = []
      for (const from of ['win', 'inet', 'ws1', 'app1/app1-ws1']) {
        for (const to of nodes)
          for (const port of [22, 6443, 10250, 9100, 31999, 31110, 31852]) rows.push([`${from} -> ${to}:${port}`, sim.reach(from, to, port)])
        for (const [vip, port] of [
          ['192.168.218.180', 80],
          ['192.168.218.180', 443],
          ['192.168.218.189', 7443],
        ] as const)
          rows.push([`${from} -> ${vip}:${port}`, sim.reach(from, vip, port)])
      }
      for (const from of ['ws1', 'app1/app1-ws1']) for (const port of [80, 443]) rows.push([`${from} -> inet:${port}`, sim.reach(from, 'inet', port)])
      return Object.fromEntries(rows)
    },
    init: async ({ plan: given, ports: changes, accepted } = {}) => {
      const chosen = given ?? (await plan())
      const subject = { facts: await facts(), probes: chosen.probes, ...(accepted === undefined ? {} : { accepted }) }
      return startRun(initSteps(chosen), config(chosen), subject, ports(changes))
    },
    leftovers: () =>
      ['HostEndpoint', 'GlobalNetworkPolicy', 'GlobalNetworkSet']
        .flatMap((kind) => sim.objects.list(v3, kind))
        .concat(sim.objects.list('v1', 'Service'), sim.objects.list('batch/v1', 'Job'), sim.objects.list(v3, 'NetworkSet'))
        .filter(managed)
        .map(({ kind, metadata }) => `${kind} ${metadata.name}`),
    close: async () => {
      api.close()
      await sim.close()
    },
  }
}

/** The product's connection as a workstation with the simulator's kubeconfig has it, its deadlines kept by the virtual clock. */
const overTls = (sim: Simulator, clock: VirtualClock): Api => {
  const machine = machineWith({ '/home/op/.kube/config': sim.kubeconfig() })
  const timer: Timer = (ms, then) => {
    const cancelled = new AbortController()
    clock.sleep(ms, cancelled.signal).then(then, () => undefined)
    return () => cancelled.abort()
  }
  return createApi(connect(resolveKubeconfig({}, machine), machine, { openSocket: sim.openSocket, timer }))
}

/** Probes in virtual time: what a fresh connection meets in the simulated network, waited for as long as a real one waits. */
const prober = (sim: Simulator, api: Api, clock: VirtualClock): ProbeRunner => {
  const meet = async (port: number, address: string, timeoutMs: number, from = 'operator'): Promise<ProbeResult['outcome']> => {
    for (let waited = 0; ; waited += 250) {
      const reach = sim.reach(from, address, port)
      if (reach === 'OPEN') return 'ok'
      if (reach === 'REFUSED') return 'refused'
      if (waited >= timeoutMs) return 'timeout'
      await clock.sleep(250)
    }
  }
  const reads = async (path: string, isFine: (object: KubeObject) => boolean): Promise<ProbeResult['outcome']> => {
    const object = (await api.request('GET', path).catch(() => undefined)) as KubeObject | undefined
    return object !== undefined && isFine(object) ? 'ok' : 'failed'
  }
  const isReady = (object: KubeObject) =>
    ((object['status'] as { conditions?: { type: string; status: string }[] } | undefined)?.conditions ?? []).some(
      (c) => c.type === 'Ready' && c.status === 'True',
    )
  const outcomeOf = ({ target }: Probe, timeoutMs: number, since: Date): Promise<ProbeResult['outcome']> => {
    switch (target.kind) {
      case 'tcp':
      case 'api':
        return meet(target.port, target.address, timeoutMs)
      case 'node-tcp':
        return meet(target.port, target.address, timeoutMs, target.node.split('.')[0])
      case 'kubeconfig':
        return meet(7443, '192.168.218.189', timeoutMs)
      case 'kubelet':
        return api.request('GET', `/api/v1/nodes/${target.node}/proxy/healthz`, undefined, { timeoutMs }).then(
          () => 'ok',
          () => 'timeout',
        )
      case 'node-ready':
        return reads(`/api/v1/nodes/${target.node}`, isReady)
      case 'node-lease':
        return reads(
          `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${target.node}`,
          (lease) => Date.parse((lease['spec'] as { renewTime: string }).renewTime) > since.getTime() - 40_000,
        )
      case 'calico-node':
        return api
          .list(resourceOf('v1', 'Pod'), { namespace: 'calico-system', fieldSelector: `spec.nodeName=${target.node}` })
          .then((pods) => (pods?.every(isReady) ? 'ok' : 'failed'))
      case 'api-service':
        return Promise.resolve('ok')
    }
  }
  return {
    run: async (probes, { since, timeoutMs = 2_000, settle, signal }) => {
      const results = new Map<string, ProbeResult>()
      const ask = async (probe: Probe) => results.set(probe.id, { id: probe.id, outcome: await outcomeOf(probe, timeoutMs, since) })
      const closed = probes.filter(({ expect }) => expect === 'closed')
      const until = clock.now() + (settle?.ms ?? 0)
      const isOpen = ({ id, node }: Probe) => results.get(id)?.outcome !== 'timeout' && (node === undefined || settle?.nodes.includes(node) === true)
      await Promise.all(closed.map(ask))
      while (clock.now() < until && closed.some(isOpen)) {
        await clock.sleep(250)
        await Promise.all(closed.filter(isOpen).map(ask))
      }
      await Promise.all(probes.filter(({ expect }) => expect === 'open').map(ask))
      signal?.throwIfAborted()
      return probes.map(({ id }) => results.get(id) as ProbeResult)
    },
  }
}

/** A port that does `act` once, when a step with this title begins. */
export const onStep = (title: RegExp, act: () => void) => {
  let done = false
  return {
    report: (event: { kind: string; step?: { title: string } }): void => {
      if (done || event.kind !== 'step' || event.step === undefined || !title.test(event.step.title)) return
      done = true
      act()
    },
  }
}
