import { parseAddress } from '../net/address.ts'
import type { ApiAnswer } from './api/call.ts'
import { unavailable } from './api/status.ts'
import type { Cluster } from './cluster.ts'
import { at, listOf, textAt } from './json.ts'

/** How long the API server dials a kubelet, in milliseconds (its transport's dial timeout). */
const dialMs = 30_000
/** The first SYN's retransmissions within that time. */
const redialMs = [1000, 2000, 4000, 8000, 15_000]

const kubeletPort = 10_250

/** The API server's way to a kubelet: a fresh connection from a control-plane node to port 10250, through the firewall. */
export const createNodeProxy =
  ({ plane, packets, geography }: Cluster) =>
  async (node: string, path: string): Promise<ApiAnswer> => {
    const addresses = listOf(at(plane.store.get('nodes', undefined, node), 'status', 'addresses'))
    const address = textAt(
      addresses.find((one) => textAt(one, 'type') === 'InternalIP'),
      'address',
    )
    const from = geography().nodes.find(({ controlPlane }) => controlPlane)?.addresses[0]?.address
    if (address === undefined || from === undefined) throw unavailable(`no known address of node ${node}`)
    const passes = (): boolean => packets.passes({ source: from, destination: parseAddress(address), protocol: 'TCP', port: kubeletPort })
    let waited = 0
    for (const ms of redialMs) {
      if (passes()) return path === '/healthz' ? { code: 200, body: 'ok' } : { code: 404, body: '404 page not found\n' }
      await plane.clock.sleep(ms)
      waited += ms
    }
    if (waited < dialMs) await plane.clock.sleep(dialMs - waited)
    throw unavailable(`error trying to reach service: dial tcp ${address}:${kubeletPort}: i/o timeout`)
  }
