import net, { type AddressInfo } from 'node:net'

/** Real ports on 127.0.0.1 that stand for everything but the API. */
export interface Doors {
  /** Accepts, says hello as an SSH server does, and closes. */
  readonly other: number
  /** Refuses. */
  readonly closed: number
  close(): Promise<void>
}

const listen = (server: net.Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })

const close = (server: net.Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()))

/** Opens the doors. */
export const openDoors = async (): Promise<Doors> => {
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // A prober that has seen the handshake resets the connection.
    socket.on('error', () => socket.destroy())
    socket.end('SSH-2.0-simulated\r\n')
  })
  const other = await listen(server)
  const spare = net.createServer()
  const closed = await listen(spare)
  await close(spare)
  return {
    ...{ other, closed },
    close: () => {
      for (const socket of sockets) socket.destroy()
      return close(server)
    },
  }
}
