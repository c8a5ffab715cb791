import { createSocket } from 'node:dgram'
import type { Address } from '../net/address.ts'
import { addressIn, isDistinct } from './loose-text.ts'

/** The operator's network, as values and functions of it. */
export interface OperatorNetwork {
  /** The local address of a new connection to the API by the kubeconfig; undefined where a proxy or tunnel stands between. */
  readonly connectionAddress: () => Promise<string | undefined>
  /** The local address the kernel would send from towards an address; undefined without a route. */
  readonly localAddressTo: (address: Address) => Promise<string | undefined>
  /** Every address of this machine: `os.networkInterfaces()`. */
  readonly interfaces: () => Readonly<Record<string, readonly { readonly address: string }[] | undefined>>
}

/** Destinations looked at: more tell nothing new, and every one costs a socket. */
const most = 8

/**
 * The addresses this machine uses towards the API and the nodes; how the cluster sees us unless there is NAT between. An address that stands
 * on no interface of ours (a proxy's, a tunnel's) is left out: it would promise access to somebody else.
 */
export const findOperatorAddresses = async (network: OperatorNetwork, towards: readonly Address[]): Promise<Address[]> => {
  const quietly = (asked: Promise<string | undefined>): Promise<string | undefined> => asked.catch(() => undefined)
  const answers = await Promise.all([
    quietly(network.connectionAddress()),
    ...towards.slice(0, most).map((address) => quietly(network.localAddressTo(address))),
  ])
  const ours = new Set(Object.values(network.interfaces()).flatMap((list) => (list ?? []).flatMap(({ address }) => addressIn(address) ?? [])))
  const found = answers.flatMap((text) => mapped(text) ?? []).filter((address) => isDistinct(address) && ours.has(address))
  return [...new Set(found)]
}

/**
 * The source address the kernel chooses, by connecting a UDP socket: no packet is sent. Undefined without a route.
 * 6443 stands for any port; the kernel only needs one.
 */
export const localAddressTo = (address: Address): Promise<string | undefined> =>
  new Promise((resolve) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
    const end = (local: string | undefined): void => {
      socket.close()
      resolve(local)
    }
    socket.once('error', () => end(undefined))
    socket.connect(6443, address, () => end(socket.address().address))
  })

/** Sockets of both families show IPv4 as ::ffff:192.168.218.170. */
const mapped = (text: string | undefined): Address | undefined => addressIn(text?.replace(/^::ffff:(?=\d+\.)/i, ''))
