import { setMaxListeners } from 'node:events'
import type net from 'node:net'
import type { Api } from '../cluster/api.ts'
import { createApi } from '../cluster/create-api.ts'
import type { Connection as ApiConnection } from '../cluster/transport/connection.ts'
import type { Clock } from '../rollout/clock.ts'
import type { Connection, Verdict } from '../verdict/model.ts'
import { createVerdicts as realVerdicts } from '../verdict/verdicts.ts'
import { createAggregated } from './aggregated.ts'
import type { Webhook } from './api/admission.ts'
import type { Denial } from './api/authorization.ts'
import type { Exchanger, LoggedRequest } from './api/exchange.ts'
import { createFaults, type Faults } from './api/faults.ts'
import { serveApi } from './api/server.ts'
import { createBarrier } from './barrier.ts'
import { createCluster } from './cluster.ts'
import type { ControllerManager } from './controllers/controller-manager.ts'
import { openDoors } from './dataplane/doors.ts'
import type { FelixHandle, FelixTimes } from './dataplane/felix.ts'
import { places } from './dataplane/listeners.ts'
import { createOpenSocket } from './dataplane/network.ts'
import { addressBehind, type CreateVerdicts, type Reach } from './dataplane/packets.ts'
import { inProcessConnection } from './in-process.ts'
import { joinNode } from './join-node.ts'
import { textAt } from './json.ts'
import { kubeconfigFor } from './kubeconfig.ts'
import { createNodeProxy } from './node-proxy.ts'
import { createObjects, type Objects } from './objects.ts'
import { homeCluster, type Seed } from './seed/home-cluster.ts'
import { homeAddresses, type Machine } from './seed/machines.ts'

/** How a simulator is started. */
export interface SimulatorOptions {
  readonly clock: Clock
  /** Default {@link homeCluster}. */
  readonly seed?: Seed
  /** Default the verdict room's. */
  readonly createVerdicts?: CreateVerdicts
  /** Milliseconds of Felix's own doings. */
  readonly felix?: Partial<FelixTimes>
  /** Milliseconds every controller takes to see an event; default 100. */
  readonly controllerLagMs?: number
  /** Tokens the API knows, to user names; default `demo-token` for kubernetes-admin. */
  readonly tokens?: Readonly<Record<string, string>>
  /** False: no sockets at all, only {@link Simulator.api}. */
  readonly listen?: boolean
  /** Hears of bugs in the simulator; default: they end the process. */
  readonly onBug?: (error: unknown) => void
}

/** A place in the simulated network: `operator`, `win`, `inet`, a node by its full or short name, a pod as `namespace/name`, or an address. */
type Place = string

/** An in-process Kubernetes with Calico. */
export interface Simulator {
  /** `https://127.0.0.1:port`, past the simulated network; empty when it does not listen. */
  readonly url: string
  /** A kubeconfig whose server is the API VIP, the control-plane node or the real loopback port. */
  kubeconfig(options?: { readonly server?: 'vip' | 'node' | 'loopback'; readonly token?: string }): string
  /** The operator's network. */
  openSocket(host: string, port: number): net.Socket
  /** What a fresh connection meets; TCP unless told. `via` is the node a packet to 127.0.0.0/8 or to a VIP is handed to. */
  reach(source: Place, destination: Place, port: number, options?: { readonly via?: Place; readonly protocol?: 'TCP' | 'UDP' }): Reach
  /** The API without sockets, over the operator's network. */
  api(user?: string): Api
  /** The connection {@link Simulator.api} speaks over. */
  connection(user?: string): ApiConnection
  readonly objects: Objects
  readonly faults: Faults
  /** Registers a webhook; the answer takes it away. */
  webhook(webhook: Webhook): () => void
  /** Takes a right away from callers; the answer gives it back. */
  deny(denial: Denial): () => void
  /** Every request so far, in order. */
  readonly requests: LoggedRequest[]
  /** TCP connections the API has accepted. */
  connections(): number
  readonly controllerManager: ControllerManager
  felix(node: Place): FelixHandle
  /** The API server itself: frozen, it answers nobody and its controllers stand still. */
  readonly apiServer: { freeze(): void; thaw(): void }
  /** Calico's own API server (flavour aggregated): frozen, its calls hang; down, they fail at once. */
  readonly aggregated: { freeze(): void; thaw(): void; stop(): void }
  readonly network: {
    /** Pulls and puts back the operator's cable. */
    unplug(): void
    plug(): void
    /** Resets every connection to the API, the node agents' among them, as a reloaded load balancer does. */
    reset(): void
  }
  /** Boots one more node; its calico-node pod gets its address after `podMs` milliseconds (default 500). Returns its name. */
  join(machine: Machine, podMs?: number): string
  /** Connections the verdict did not know; they were lost. */
  readonly unknown: { readonly connection: Connection; readonly verdict: Verdict }[]
  /** A number that changes while anything goes on: for {@link virtualClock}. */
  activity(): number
  close(): Promise<void>
}

const felixTimes: FelixTimes = { lagMs: 200, restartMs: 6000, recoverMs: 4000 }

const endProcess = (error: unknown): void => {
  queueMicrotask(() => {
    throw error
  })
}

/** Starts a simulator. */
export const startSimulator = async (options: SimulatorOptions): Promise<Simulator> => {
  const {
    clock,
    seed = homeCluster(),
    createVerdicts = realVerdicts,
    controllerLagMs = 100,
    tokens = { 'demo-token': 'kubernetes-admin' },
    onBug = endProcess,
  } = options
  const unknown: { connection: Connection; verdict: Verdict }[] = []
  const onUnknown = (connection: Connection, verdict: Verdict): number => unknown.push({ connection, verdict })
  const felix = { ...felixTimes, ...options.felix }
  const cluster = createCluster({ seed, clock, createVerdicts, felix, controllerLagMs, onBug, onUnknown })
  const { plane, packets, geography } = cluster
  const faults = createFaults()
  const requests: LoggedRequest[] = []
  const around = { nodeProxy: createNodeProxy(cluster), whenAggregatedServes: cluster.aggregated.passed }
  const exchanger: Exchanger = { plane, around, faults, tokens: new Map(Object.entries(tokens)), log: requests, frozen: cluster.api }
  const cable = createBarrier()
  const server = options.listen === false ? undefined : await serveApi(exchanger, cable, onBug)
  const doors = options.listen === false ? undefined : await openDoors()
  const life = new AbortController()
  // One listener per sleeping loop is no leak.
  setMaxListeners(0, life.signal)
  let generation = 0

  const podAddress = (namespace: string, pod: string) => textAt(plane.store.get('pods', namespace, pod), 'status', 'podIP')
  const resolve = (place: Place): string | undefined => addressBehind(place, geography(), podAddress)
  const addressOf = (place: Place): string => {
    const found = resolve(place)
    if (found === undefined) throw new Error(`there is no place called ${place}`)
    return found
  }
  const nodeNamed = (place: Place): string => {
    const found = geography().nodes.find(({ name }) => name === place || name.split('.')[0] === place)
    if (found === undefined) throw new Error(`there is no node called ${place}`)
    return found.name
  }
  const operator = places['operator'] ?? ''
  const openSocket = createOpenSocket({
    ...{ clock, packets, operator, resolve, plugged: () => !cable.closed, signal: life.signal, onBug },
    ports: { api: server?.port ?? 0, other: doors?.other ?? 0, closed: doors?.closed ?? 0 },
  })
  const vip = `https://${homeAddresses.apiVip}:${homeAddresses.apiVipPort}`
  const url = server === undefined ? '' : `https://127.0.0.1:${server.port}`
  const servers = { vip, node: `https://${addressOf('control1')}:6443`, loopback: url }
  const connection = (user = 'kubernetes-admin'): ApiConnection =>
    inProcessConnection({
      ...{ exchanger, clock, user, server: new URL(vip), plugged: () => !cable.closed, generation: () => generation },
      meet: (host, port) => packets.meet(operator, addressOf(host), port).reach,
    })
  return {
    url,
    kubeconfig: ({ server: at = 'vip', token } = {}) => kubeconfigFor({ server: servers[at], ...(token === undefined ? {} : { token }) }),
    openSocket,
    reach: (source, destination, port, { via, protocol } = {}) =>
      packets.meet(addressOf(source), addressOf(destination), port, { protocol, via: via === undefined ? undefined : nodeNamed(via) }).reach,
    api: (user) => createApi(connection(user)),
    connection,
    objects: createObjects(plane),
    ...{ faults, requests, unknown },
    webhook: (webhook) => plane.admission.add(webhook),
    deny: (denial) => plane.authorizer.deny(denial),
    connections: () => server?.connections() ?? 0,
    controllerManager: cluster.controllers,
    felix: (node) => {
      const found = cluster.felix(nodeNamed(node))
      if (found === undefined) throw new Error(`no Felix runs on ${node}`)
      return found
    },
    apiServer: { freeze: cluster.api.close, thaw: cluster.api.open },
    aggregated: createAggregated(cluster, seed.flavour),
    network: {
      unplug: cable.close,
      plug: cable.open,
      reset: () => {
        generation++
        server?.dropConnections()
        cluster.dropLinks()
      },
    },
    join: (machine, podMs = 500) => joinNode(cluster, machine, seed.flavour, podMs, onBug),
    activity: () => (server?.traffic() ?? 0) + plane.store.revision() + requests.length,
    close: async () => {
      life.abort()
      cluster.close()
      await Promise.all([server?.close(), doors?.close()])
    },
  }
}
