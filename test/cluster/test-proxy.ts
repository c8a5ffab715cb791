import http from 'node:http'
import https from 'node:https'
import net, { type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { fixture } from './test-server.ts'

/** A proxy on the loopback that leads everything to one port. */
export interface TestProxy {
  readonly port: number
  /** What it was asked for: `CONNECT kubernetes:6443 Basic ...`, or `GET http://kubernetes:8080/version`. */
  readonly asked: string[]
  close(): Promise<void>
}

const listening = async (server: net.Server, asked: string[]): Promise<TestProxy> => {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

const join = (one: Duplex, other: Duplex): void => {
  one.on('error', () => other.destroy()).pipe(other)
  other.on('error', () => one.destroy()).pipe(one)
}

/** An http or https proxy; `status` is what CONNECT answers. */
export const startHttpProxy = (leadsTo: number, { secure = false, status = '200 OK' } = {}): Promise<TestProxy> => {
  const asked: string[] = []
  const server = secure ? https.createServer({ cert: fixture('server.pem'), key: fixture('server.key') }) : http.createServer()
  server.on('connect', (request: http.IncomingMessage, socket: Duplex) => {
    asked.push(['CONNECT', request.url, request.headers['proxy-authorization']].filter(Boolean).join(' '))
    socket.on('error', () => undefined).write(`HTTP/1.1 ${status}\r\nx-proxy: yes\r\n\r\n`)
    if (status.startsWith('200')) join(socket, net.connect(leadsTo, '127.0.0.1'))
    else socket.end()
  })
  server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
    asked.push([request.method, request.url, request.headers['proxy-authorization']].filter(Boolean).join(' '))
    response.end('{"proxied": true}')
  })
  return listening(server, asked)
}

/** A SOCKS5 proxy (RFC 1928); `password` makes it ask for `user:password`, `reply` is its answer to a connect. */
export const startSocksProxy = (leadsTo: number, { password = '', reply = 0 } = {}): Promise<TestProxy> => {
  const asked: string[] = []
  const server = net.createServer((socket) => {
    let step = 0
    const onData = (data: Buffer): void => {
      if (step === 0) {
        step = password === '' ? 2 : 1
        socket.write(Uint8Array.from([5, password === '' ? 0 : 2]))
      } else if (step === 1) {
        step = 2
        const user = data.subarray(2, 2 + (data[1] ?? 0)).toString()
        const given = data.subarray(3 + (data[1] ?? 0)).toString()
        socket.write(Uint8Array.from([1, `${user}:${given}` === password ? 0 : 1]))
      } else {
        socket.off('data', onData)
        const kind = data[3] ?? 0
        const host = kind === 3 ? data.subarray(5, -2).toString() : kind === 1 ? data.subarray(4, -2).join('.') : data.subarray(4, -2).toString('hex')
        asked.push(`${host}:${data.readUInt16BE(data.length - 2)}`)
        // The bound address comes as a name, which is the longest form to read over.
        socket.write(Buffer.from([5, reply, 0, 3, 4, ...Buffer.from('here'), 0, 80]))
        if (reply === 0) join(socket, net.connect(leadsTo, '127.0.0.1'))
        else socket.end()
      }
    }
    socket.on('data', onData)
  })
  return listening(server, asked)
}
