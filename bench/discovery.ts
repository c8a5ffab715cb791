import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeObject } from '../src/calico/object.ts'
import { createApi } from '../src/cluster/create-api.ts'
import { resolveKubeconfig } from '../src/cluster/kubeconfig/resolve-kubeconfig.ts'
import { connect } from '../src/cluster/transport/connect.ts'
import { discover } from '../src/discovery/discover.ts'
import { formatFacts } from '../src/discovery/facts-file.ts'
import { parseAddress } from '../src/net/address.ts'
import type { Clock } from '../src/rollout/clock.ts'
import { homeCluster } from '../src/simulator/seed/home-cluster.ts'
import type { Machine } from '../src/simulator/seed/machines.ts'
import { calicoNodePod, nodeObject } from '../src/simulator/seed/node-objects.ts'
import { startSimulator } from '../src/simulator/simulator.ts'

// Facts of clusters of any size from the simulator, over TLS on loopback: time, requests, size. The simulator answers from this same process and thread,
// so its share is in the time.

const clock: Clock = { now: () => performance.now(), wall: () => new Date(), sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }) }

const machine = (at: number): Machine => ({
  short: `w${at}`,
  address: `10.20.${at >> 8}.${at & 255}`,
  controlPlane: false,
  podCidr: `10.${64 + (at >> 8)}.${at & 255}.0/24`,
})

const measure = async (count: number): Promise<void> => {
  const home = homeCluster({ nodes: 3 })
  const others = Array.from({ length: count - 3 }, (_, at) => machine(at))
  const objects = (time: string): readonly KubeObject[] => [
    ...home.objects(time),
    ...others.flatMap((one) => [nodeObject(one, time), calicoNodePod(one, [], time)]),
  ]
  const simulator = await startSimulator({ clock, seed: { ...home, objects } })
  const kubeconfig = Buffer.from(simulator.kubeconfig({ server: 'loopback' }))
  const workstation = {
    env: { KUBECONFIG: '/kubeconfig' },
    platform: 'linux' as const,
    home: '/',
    cwd: '/',
    readFile: () => kubeconfig,
    now: () => Date.now(),
    terminal: { stdin: 0, stderr: 2, isTerminal: false },
  }
  const connection = connect(resolveKubeconfig({}, workstation), workstation, {
    openSocket: (host, port) => net.connect({ host, port }),
    userAgent: 'bench',
  })
  try {
    const runs: number[] = []
    let [requests, size] = [0, 0]
    for (let run = 0; run < 5; run++) {
      const before = simulator.requests.length
      const began = performance.now()
      const facts = await discover(createApi(connection), {
        contextName: 'home',
        server: simulator.url,
        now: () => clock.wall(),
        lookup: async () => [],
        operatorAddresses: async () => [parseAddress('192.168.218.170')],
        pretendsNodes: true,
      })
      runs.push(performance.now() - began)
      requests = simulator.requests.length - before
      size = formatFacts(facts).length
      if (facts.nodes.length !== count) throw new Error(`${facts.nodes.length} of ${count} nodes`)
    }
    const [best = 0] = runs.toSorted((one, other) => one - other)
    process.stdout.write(
      `facts of ${count} nodes: ${(best / 1000).toFixed(2)} s best of ${runs.length}, ${(Math.max(...runs) / 1000).toFixed(2)} s worst; ${requests} requests; ${(size / 2 ** 20).toFixed(1)} MiB saved; rss ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB\n`,
    )
  } finally {
    connection.close()
    await simulator.close()
  }
}

for (const count of (process.env['NODES'] ?? '5,500,5000').split(',').map(Number)) await measure(count)
