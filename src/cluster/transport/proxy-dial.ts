import type { Socket } from 'node:net'
import tls from 'node:tls'
import { FwError } from '../../errors.ts'
import { printable } from '../errors/printable.ts'
import type { OpenSocket } from './network.ts'
import { authorityOf, hostOf, portOf } from './server-address.ts'
import { emitted, readBytes } from './socket-reading.ts'
import { type ProxyTarget, socks5 } from './socks5.ts'

/** Longest answer of a proxy we read before its empty line. */
const maxHead = 16_384

/**
 * A TCP connection to `target` through an http, https (CONNECT) or socks5 proxy. `trust` are PEM certificates an https proxy may be signed by.
 * @throws FwError FW_UNREACHABLE naming the proxy
 */
export const dialThroughProxy = async (
  proxy: URL,
  target: ProxyTarget,
  trust: readonly (string | Buffer)[],
  openSocket: OpenSocket,
  signal: AbortSignal,
): Promise<Socket> => {
  const raw = openSocket(hostOf(proxy), portOf(proxy))
  // Between two waits nobody else listens, and an unheard error event would end the process.
  raw.on('error', () => undefined)
  const stop = () => raw.destroy()
  signal.addEventListener('abort', stop, { once: true })
  try {
    signal.throwIfAborted()
    await emitted(raw, 'connect')
    const socket = proxy.protocol === 'https:' ? await secured(raw, proxy, trust) : raw
    if (proxy.protocol.startsWith('socks5')) await socks5(socket, proxy, target)
    else await connect(socket, proxy, target)
    return socket
  } catch (cause) {
    raw.destroy()
    if (signal.aborted) throw signal.reason
    throw proxyFailed(proxy, target, cause)
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** `user:password` of a proxy URL as the Proxy-Authorization header, when it has one. */
export const proxyAuthorization = (proxy: URL): Record<string, string> =>
  proxy.username === ''
    ? {}
    : {
        'proxy-authorization': `Basic ${Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`).toString('base64')}`,
      }

const secured = async (raw: Socket, proxy: URL, trust: readonly (string | Buffer)[]): Promise<Socket> => {
  const host = hostOf(proxy)
  const socket = tls.connect({ socket: raw, host, servername: /^[\d.]+$|:/.test(host) ? '' : host, ca: [...trust] })
  socket.on('error', () => undefined)
  await emitted(socket, 'secureConnect')
  return socket
}

const connect = async (socket: Socket, proxy: URL, { host, port }: ProxyTarget): Promise<void> => {
  const authority = authorityOf(host, port)
  const headers = Object.entries({ host: authority, ...proxyAuthorization(proxy) }).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`CONNECT ${authority} HTTP/1.1\r\n${headers.join('')}\r\n`)
  const head = await readHead(socket)
  const [, status, reason = ''] = /^HTTP\/1\.[01] (\d{3}) ?(.*)/.exec(head) ?? []
  if (status !== '200')
    throw new Error(status === undefined ? 'it does not answer as an HTTP proxy' : `it answers ${status} ${printable(reason, 200)}`.trim())
}

/** Reads up to the empty line and not a byte further: what follows belongs to the tunnel. */
const readHead = async (socket: Socket): Promise<string> => {
  let head = ''
  while (!head.endsWith('\r\n\r\n')) {
    head += (await readBytes(socket, 1)).toString('latin1')
    if (head.length > maxHead) throw new Error('its answer has no end')
  }
  return head
}

const proxyFailed = (proxy: URL, target: ProxyTarget, cause: unknown): FwError =>
  new FwError('FW_UNREACHABLE', `the proxy ${proxy.protocol}//${proxy.host} does not let us through to ${authorityOf(target.host, target.port)}`, {
    why: cause instanceof Error ? cause.message : String(cause),
    fix: `check proxy-url in the kubeconfig, or HTTPS_PROXY; to go straight: NO_PROXY=${target.host}`,
    cause,
  })
