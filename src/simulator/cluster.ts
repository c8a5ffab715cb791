import { setMaxListeners } from 'node:events'
import type { KubeObject } from '../calico/object.ts'
import { parseAddress } from '../net/address.ts'
import type { Clock } from '../rollout/clock.ts'
import type { Connection, Verdict } from '../verdict/model.ts'
import { createAdmission } from './api/admission.ts'
import { createAuthorizer } from './api/authorization.ts'
import type { ControlPlane } from './api/control-plane.ts'
import { timestamp } from './api/control-plane.ts'
import { createIds } from './api/ids.ts'
import { kindsOf } from './api/kinds.ts'
import { createStore } from './api/store.ts'
import { type Barrier, createBarrier } from './barrier.ts'
import { type ControllerManager, createControllerManager } from './controllers/controller-manager.ts'
import { reportCalicoNode, runKubelet } from './controllers/kubelet.ts'
import { createFelix, type FelixHandle, type FelixTimes, type Programmed } from './dataplane/felix.ts'
import { type Geography, isGeographic, surveyGeography } from './dataplane/geography.ts'
import { createLink, type Link } from './dataplane/link.ts'
import { homePorts } from './dataplane/listeners.ts'
import { type CreateVerdicts, createPackets, type Packets } from './dataplane/packets.ts'
import type { Seed } from './seed/home-cluster.ts'
import { homeAddresses, nodeName } from './seed/machines.ts'
import { plant } from './seed/plant.ts'

/** How a cluster is made. */
export interface ClusterOptions {
  readonly seed: Seed
  readonly clock: Clock
  readonly createVerdicts: CreateVerdicts
  readonly felix: FelixTimes
  readonly controllerLagMs: number
  readonly onBug: (error: unknown) => void
  readonly onUnknown: (connection: Connection, verdict: Verdict) => void
}

/** A cluster without a way in: its store, its controllers, its nodes and their packets. */
export interface Cluster {
  readonly plane: ControlPlane
  /** Closed while the API server is frozen. */
  readonly api: Barrier
  /** Closed while Calico's API server is frozen. */
  readonly aggregated: Barrier
  readonly controllers: ControllerManager
  readonly packets: Packets
  geography(): Geography
  felix(node: string): FelixHandle | undefined
  /** Runs the agents of a node whose Node object exists. */
  startNode(node: string): void
  /** Cuts the connection of every node agent to the API. */
  dropLinks(): void
  close(): void
}

/** Plants the seed and sets everything going. */
export const createCluster = ({ seed, clock, createVerdicts, felix, controllerLagMs, onBug, onUnknown }: ClusterOptions): Cluster => {
  const plane: ControlPlane = {
    ...{ store: createStore(), kinds: kindsOf(seed.flavour), clock, ids: createIds() },
    ...{ admission: createAdmission(), authorizer: createAuthorizer(), aggregated: { state: 'serving' } },
  }
  const life = new AbortController()
  // One listener per sleeping loop is no leak.
  setMaxListeners(0, life.signal)
  const [api, aggregated] = [createBarrier(), createBarrier()]
  const felixes = new Map<string, FelixHandle & { programmed(): Programmed }>()
  const links = new Set<Link>()
  const controlPlane = seed.machines.find((machine) => machine.controlPlane)
  const held = new Map(controlPlane === undefined ? [] : [[nodeName(controlPlane), [homeAddresses.apiVip]]])
  const announcer = seed.machines.find((machine) => !machine.controlPlane)

  let surveyed: Geography | undefined
  plane.store.subscribe(({ resource }) => {
    if (isGeographic(resource)) surveyed = undefined
  })
  const geography = (): Geography => {
    surveyed ??= surveyGeography(plane, held)
    return surveyed
  }
  const packets = createPackets({
    ...{ createVerdicts, geography, felixes: () => felixes, onUnknown },
    ...{ proxyMode: seed.proxyMode, dataplane: seed.proxyMode === 'nftables' ? 'nftables' : 'iptables', hosts: homePorts },
    vips: new Map([[homeAddresses.apiVip, homeAddresses.apiVipPort]]),
    announcer: () => (announcer === undefined ? undefined : nodeName(announcer)),
  })

  /** An agent reaches the API at the control plane's own address, on that node itself over loopback; or all of them through a balancer. */
  const mayConnect = (node: string) => (): boolean => {
    const source = geography().nodes.find(({ name }) => name === node)?.addresses[0]?.address
    if (source === undefined || controlPlane === undefined) return false
    const api = parseAddress(controlPlane.address)
    if (seed.balancer === undefined) return packets.passes({ source, destination: api, protocol: 'TCP', port: 6443 })
    const balancer = parseAddress(seed.balancer)
    const hops = [
      { source, destination: balancer },
      { source: balancer, destination: api },
    ]
    return hops.every((hop) => packets.passes({ ...hop, protocol: 'TCP', port: 6443 }))
  }
  const startNode = (node: string): void => {
    const link = () => {
      const made = createLink(clock, mayConnect(node), life.signal, onBug)
      links.add(made)
      return made
    }
    const agent = { plane, node, api, signal: life.signal, onBug }
    const onReady = (ready: boolean, restarts: number): void => reportCalicoNode(plane, node, ready, restarts)
    felixes.set(node, createFelix({ ...agent, ...felix, link: link(), onReady }))
    runKubelet({ ...agent, link: link() }).catch(onBug)
  }

  for (const object of seed.objects(timestamp(clock))) plant(plane, object satisfies KubeObject)
  for (const machine of seed.machines) startNode(nodeName(machine))
  const controllers = createControllerManager(plane, { lagMs: controllerLagMs, api, onBug })
  return {
    ...{ plane, api, aggregated, controllers, packets, geography, startNode },
    felix: (node) => felixes.get(node),
    dropLinks: () => {
      for (const link of links) link.drop()
    },
    close: () => {
      life.abort()
      controllers.close()
      api.open()
      aggregated.open()
    },
  }
}
