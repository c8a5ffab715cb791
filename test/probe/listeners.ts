import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer, type Server, Socket } from 'node:net'
import { certificates } from '../../src/simulator/certificates.ts'

const started: Server[] = []

/** Closes every listener of the file's tests. */
export const closeListeners = async (): Promise<void> => {
  await Promise.all(started.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
}

const listen = async (server: Server): Promise<number> => {
  started.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** A port on 127.0.0.1 that accepts connections. */
export const acceptingPort = (): Promise<number> => listen(createServer((socket) => socket.on('error', () => undefined).resume()))

/** A port on 127.0.0.1 nobody listens on: it was just given back. */
export const freePort = async (): Promise<number> => {
  const server = createServer()
  const port = await listen(server)
  started.splice(started.indexOf(server), 1)
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** What a request told the server. */
export interface Asked {
  readonly path: string | undefined
  readonly authorization: string | undefined
  readonly upgrade: string | undefined
}

/** A TLS server that answers every request with `status`, and what it was asked. */
export const readyServer = async (status: () => number): Promise<{ port: number; asked: Asked[]; connections: () => number }> => {
  const asked: Asked[] = []
  let connections = 0
  const server = createHttpsServer({ cert: certificates.server.certificate, key: certificates.server.key }, (request, response) => {
    const { authorization, upgrade } = request.headers
    asked.push({ path: request.url, authorization, upgrade })
    response.writeHead(status()).end('ok')
  })
  server.on('connection', () => connections++)
  return { port: await listen(server), asked, connections: () => connections }
}

/** A socket that never gets an answer: what a dropped SYN looks like. */
export const silentSocket = (): Socket => new Socket()
