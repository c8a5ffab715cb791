import { isIPv4, isIPv6, type Socket } from 'node:net'
import { readBytes } from './socket-reading.ts'

/** Where a connection through a proxy is to end. */
export interface ProxyTarget {
  readonly host: string
  readonly port: number
}

/** RFC 1928, section 6. */
const replies = [
  '',
  'general failure',
  'not allowed by its rules',
  'network unreachable',
  'host unreachable',
  'connection refused',
  'TTL expired',
  'command not supported',
  'address type not supported',
]

/** Asks a SOCKS5 proxy for a connection to the target (RFC 1928, and RFC 1929 for a user and password); names are resolved by the proxy, as Go does. */
export const socks5 = async (socket: Socket, proxy: URL, target: ProxyTarget): Promise<void> => {
  const withPassword = proxy.username !== ''
  socket.write(Uint8Array.from(withPassword ? [5, 2, 0, 2] : [5, 1, 0]))
  const [version, method] = await readBytes(socket, 2)
  if (version !== 5) throw new Error('it is no SOCKS5 proxy')
  if (method === 2) await signIn(socket, proxy)
  else if (method !== 0) throw new Error('it wants another kind of sign-in')
  socket.write(Buffer.concat([Uint8Array.from([5, 1, 0]), addressBytes(target.host), Uint8Array.from([target.port >> 8, target.port & 255])]))
  const [, reply = 1, , kind] = await readBytes(socket, 4)
  if (reply !== 0) throw new Error(`it answers: ${replies[reply] ?? `reply ${reply}`}`)
  const length = kind === 1 ? 4 : kind === 4 ? 16 : ((await readBytes(socket, 1))[0] ?? 0)
  await readBytes(socket, length + 2)
}

const signIn = async (socket: Socket, proxy: URL): Promise<void> => {
  const [user, password] = [proxy.username, proxy.password].map((text) => Buffer.from(decodeURIComponent(text)))
  socket.write(Buffer.concat([Uint8Array.from([1]), counted(user), counted(password)]))
  if ((await readBytes(socket, 2))[1] !== 0) throw new Error('it refuses the user and password')
}

const addressBytes = (host: string): Buffer => {
  if (isIPv4(host)) return Buffer.from([1, ...host.split('.').map(Number)])
  if (isIPv6(host)) return Buffer.concat([Uint8Array.from([4]), ipv6Bytes(host)])
  return Buffer.concat([Uint8Array.from([3]), counted(Buffer.from(host))])
}

const ipv6Bytes = (host: string): Buffer => {
  // URL parsing gives the canonical form without embedded IPv4.
  const [head = '', tail] = new URL(`http://[${host}]`).hostname.slice(1, -1).split('::')
  const groupsOf = (half: string | undefined): string[] => (half ? half.split(':') : [])
  const [before, after] = [groupsOf(head), groupsOf(tail)]
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex')
}

const counted = (bytes: Buffer | undefined): Buffer => Buffer.concat([Uint8Array.from([bytes?.length ?? 0]), bytes ?? Buffer.alloc(0)])
