import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

/** Something that can be shut. */
export interface Listener {
  close(): void
}

/** A TCP port that takes every connection and echoes what it hears. */
export const listenTcp = (host: string, port: number): Promise<Listener> =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.pipe(socket)
    })
    server.once('error', reject)
    server.listen({ host, port, backlog: 1024, ipv6Only: host.includes(':') }, () => resolve(server))
  })

/** A UDP port that echoes. */
export const listenUdp = (host: string, port: number): Promise<Listener> =>
  new Promise((resolve, reject) => {
    const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', ipv6Only: host.includes(':') })
    socket.once('error', reject)
    socket.on('message', (message, from) => socket.send(message, from.port, from.address))
    socket.bind(port, host, () => resolve(socket))
  })
