import type { KubeObject } from '../../src/calico/object.ts'
import { type storage, v3 } from '../../src/calico/resources.ts'
import type { Api } from '../../src/cluster/api.ts'
import { type HomeClusterOptions, homeCluster } from '../../src/simulator/seed/home-cluster.ts'
import { type Simulator, type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts'
import { type VirtualClock, virtualClock } from '../../src/simulator/virtual-clock.ts'

/** The home cluster without sockets, in virtual time. */
export interface Scene {
  readonly clock: VirtualClock
  readonly simulator: Simulator
  readonly api: Api
  /** Does something while time passes. */
  readonly during: <Result>(work: Promise<Result>) => Promise<Result>
  /** Milliseconds until the port answers from `win`, looked at ten times a second; undefined when it stays closed. */
  readonly opensWithin: (ms: number, node?: string, port?: number) => Promise<number | undefined>
}

/** Starts a scene that has settled. */
export const openScene = async (home: HomeClusterOptions = {}, more: Partial<SimulatorOptions> = {}): Promise<Scene> => {
  const clock = virtualClock()
  const simulator = await startSimulator({ clock, seed: homeCluster({ nodes: 3, ...home }), listen: false, ...more })
  await clock.advance(2_000)
  return {
    clock,
    simulator,
    api: simulator.api(),
    during: (work) => clock.drive(work),
    opensWithin: async (ms, node = 'ws1', port = 9100) => {
      const start = clock.now()
      for (; clock.now() - start <= ms; await clock.advance(100)) if (simulator.reach('win', node, port) === 'OPEN') return clock.now() - start
      return undefined
    },
  }
}

/** The gate's Job: no pods, a deadline, gone when it is over. */
export const gateJob = (seconds: number, spec: object = {}, namespace = 'default'): KubeObject => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { namespace, name: 'gate' },
  spec: {
    ...{ parallelism: 0, activeDeadlineSeconds: seconds, ttlSecondsAfterFinished: 0, backoffLimit: 0, ...spec },
    template: { spec: { restartPolicy: 'Never', containers: [{ name: 'none', image: 'none' }] } },
  },
})

/** Half the world twice, in both families: a net of /0 would panic Felix in nftables mode. */
export const world = ['0.0.0.0/1', '128.0.0.0/1', '::/1', '8000::/1']

/** The gate's NetworkSet, owned by a Job. */
export const gateSet = (uid: string, apiVersion: string = v3, namespace = 'default'): KubeObject => ({
  apiVersion,
  kind: 'NetworkSet',
  metadata: {
    namespace,
    name: 'gate',
    labels: { gate: 'armed' },
    ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'gate', uid }],
  },
  spec: { nets: world },
})

/** A preDNAT policy on HostEndpoints labelled `run: '1'`. */
export const preDnat = (name: string, order: number, ingress: readonly object[], selector = "run == '1'"): KubeObject => ({
  ...{ apiVersion: v3, kind: 'GlobalNetworkPolicy', metadata: { name } },
  spec: { order, preDNAT: true, applyOnForward: true, types: ['Ingress'], selector, ingress },
})

/** Denies everything while the gate set exists; namespace by Calico's own label, which no tenant can forge. */
export const gatePolicy = preDnat('gate', 400, [
  { action: 'Deny', source: { selector: "projectcalico.org/namespace == 'default' && gate == 'armed'" } },
])

/** An inert HostEndpoint on a node's ens160. */
export const hostEndpoint = (
  { simulator }: Pick<Scene, 'simulator'>,
  short: string,
  spec: object = {},
  labels: Record<string, string> = { run: '1' },
): KubeObject => {
  const node = `${short}.kryukov.local`
  const { status } = simulator.objects.get({ apiVersion: 'v1', kind: 'Node', name: node }) as unknown as {
    status: { addresses: { address: string }[] }
  }
  return {
    ...{ apiVersion: v3, kind: 'HostEndpoint', metadata: { name: `${short}-ens160`, labels } },
    spec: {
      ...{ node, interfaceName: 'ens160', expectedIPs: status.addresses.slice(0, 1).map(({ address }) => address) },
      ...{ profiles: ['projectcalico-default-allow'], ...spec },
    },
  }
}

/** The nodes of a scene of three. */
export const threeNodes = ['control1', 'ws1', 'ws2'] as const

/** Writes HostEndpoints and the gate policy, and arms the gate; everything not in a failsafe is closed when this returns. Returns when it was armed. */
export const arm = async (
  scene: Scene,
  seconds: number,
  { set = v3, spec = {} }: { set?: typeof v3 | typeof storage; spec?: object } = {},
): Promise<number> => {
  const { api, during, clock } = scene
  await during(api.apply(gatePolicy))
  for (const node of threeNodes) await during(api.apply(hostEndpoint(scene, node)))
  await clock.advance(1_000 - (clock.now() % 1_000))
  const armed = clock.now()
  const job = await during(api.create(gateJob(seconds, spec)))
  await during(api.create(gateSet(job.metadata.uid ?? '', set)))
  await clock.advance(500)
  return armed
}

/** The status of an object's Ready condition. */
export const readyCondition = (object: KubeObject | undefined): string | undefined => {
  const status = object?.['status'] as { conditions?: { type: string; status: string }[] } | undefined
  return status?.conditions?.find(({ type }) => type === 'Ready')?.status
}
