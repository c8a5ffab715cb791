import type { IncomingMessage, ServerResponse } from 'node:http'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Barrier } from '../barrier.ts'
import { certificates } from '../certificates.ts'
import { textAt } from '../json.ts'
import { bearerOf, type Credentials } from './authentication.ts'
import type { ApiAnswer } from './call.ts'
import { type Exchanger, exchangeRequest } from './exchange.ts'
import type { Watch, WatchEvent } from './watch.ts'

/** The API on a TCP port. */
export interface ApiServer {
  /** Port on 127.0.0.1. */
  readonly port: number
  /** TCP connections accepted so far. */
  connections(): number
  /** Bytes carried by the connections that are open: a sign of life. */
  traffic(): number
  /** Resets every open connection, as a restarted load balancer does. */
  dropConnections(): void
  close(): Promise<void>
}

const credentialsOf = (request: IncomingMessage): Credentials => {
  const token = bearerOf(request.headers.authorization)
  const socket = request.socket as TLSSocket
  // A client without certificate that resumes its session counts as authorized, and shows no subject.
  const name = socket.authorized ? textAt(socket.getPeerCertificate(), 'subject', 'CN') : undefined
  return { ...(token === undefined ? {} : { token }), ...(name === undefined ? {} : { certificate: name }) }
}

const readBody = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** Serves the API over TLS on 127.0.0.1 and a port of the system's choice. Nothing comes or goes while the cable is pulled. `onBug` hears of what is no answer of the API. */
export const serveApi = async (exchanger: Exchanger, cable: Barrier, onBug: (error: unknown) => void): Promise<ApiServer> => {
  const { server: own, ca } = certificates
  const server = https.createServer({ key: own.key, cert: own.certificate, ca, requestCert: true, rejectUnauthorized: false })
  // By the client's port: a TLS socket cannot be reset, the TCP socket under it can.
  const sockets = new Map<number | undefined, Socket>()
  let accepted = 0
  server.on('connection', (socket: Socket) => {
    accepted++
    const { remotePort } = socket
    sockets.set(remotePort, socket)
    socket.on('close', () => sockets.delete(remotePort))
    socket.setNoDelay(true)
  })
  server.on('request', (request, response) => {
    respond({ exchanger, cable, reset: (port) => sockets.get(port)?.resetAndDestroy() }, request, response).catch((error: unknown) => {
      // A client that goes away in the middle of its request is none of our bugs.
      if (!request.destroyed || request.complete) onBug(error)
      response.destroy()
    })
  })
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const dropConnections = (): void => {
    for (const socket of sockets.values()) socket.resetAndDestroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => accepted,
    traffic: () => [...sockets.values()].reduce((sum, socket) => sum + socket.bytesRead + socket.bytesWritten, accepted),
    dropConnections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets.values()) socket.destroy()
      }),
  }
}

interface Wire {
  readonly exchanger: Exchanger
  readonly cable: Barrier
  readonly reset: (remotePort: number | undefined) => void
}

const respond = async ({ exchanger, cable, reset }: Wire, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const body = await readBody(request)
  await cable.passed()
  // A client that gave up meanwhile never sent it.
  if (request.socket.destroyed) return
  const { method = 'GET', url: target = '/', headers } = request
  const exchanged = await exchangeRequest(exchanger, { method, target, headers, body, credentials: credentialsOf(request) })
  await cable.passed()
  if (exchanged.kind === 'hang') return
  if (exchanged.kind === 'reset') {
    reset(request.socket.remotePort)
    return
  }
  const { answer } = exchanged
  if ('watch' in answer) await sendWatch(exchanger, answer, response)
  else send(answer, response, exchanged.truncate === true)
}

const send = ({ code, body, retryAfter }: Extract<ApiAnswer, { body: unknown }>, response: ServerResponse, truncate: boolean): void => {
  const plain = typeof body === 'string'
  const content = Buffer.from(plain ? body : `${JSON.stringify(body)}\n`)
  response.writeHead(code, {
    'content-type': plain ? 'text/plain; charset=utf-8' : 'application/json',
    'content-length': content.length,
    ...(retryAfter === undefined ? {} : { 'retry-after': `${retryAfter}` }),
  })
  if (!truncate) response.end(content)
  else response.write(content.subarray(0, content.length / 2), () => response.destroy())
}

/** Streams events, one JSON object a line, until the client goes or the time is up. */
const sendWatch = async (
  { plane }: Exchanger,
  { watch, timeoutMs }: { watch: Watch; timeoutMs: number },
  response: ServerResponse,
): Promise<void> => {
  response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' })
  response.flushHeaders()
  const gone = new AbortController()
  const write = (event: WatchEvent): void => {
    response.write(`${JSON.stringify(event)}\n`)
    if (event.type === 'ERROR') gone.abort()
  }
  const end = watch.follow(write)
  response.on('close', () => gone.abort())
  for (const event of watch.first) write(event)
  try {
    await plane.clock.sleep(timeoutMs, gone.signal)
  } catch (error) {
    if (!gone.signal.aborted) throw error
  } finally {
    end()
    response.end()
  }
}
