import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'

/** A file of test/cluster/fixtures. */
export const fixture = (name: string): Buffer => readFileSync(new URL(`./fixtures/${name}`, import.meta.url))

/** One request as it arrived. */
interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly query: Record<string, string>
  readonly headers: http.IncomingHttpHeaders
  /** Header lines as on the wire: name, value, name, value. */
  readonly rawHeaders: readonly string[]
  readonly body: string
  /** Common name of the client certificate. */
  readonly clientName: string | undefined
  /** The name the client asked for in its handshake. */
  readonly servername: string | undefined
  readonly socket: Socket
}

export type Handler = (request: SeenRequest, response: http.ServerResponse) => void

/** A real server on the loopback that counts what reaches it. */
export interface TestServer {
  readonly port: number
  /** `https://127.0.0.1:PORT`. */
  readonly url: string
  readonly requests: SeenRequest[]
  /** TCP connections so far. */
  readonly connections: () => number
  /** Completed TLS handshakes so far. */
  readonly handshakes: () => number
  /** Takes over connections that ask for another protocol. */
  readonly onUpgrade: (take: (request: http.IncomingMessage, socket: Duplex) => void) => void
  close(): Promise<void>
}

/** Starts a server; `certificate` names its fixture, `none` means plain http. */
export const startServer = async (
  handler: Handler,
  certificate: 'server' | 'expired-server' | 'company-server' | 'none' = 'server',
): Promise<TestServer> => {
  const requests: SeenRequest[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  let handshakes = 0
  const listener: http.RequestListener = (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('error', () => undefined)
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://server')
      const tls = request.socket as Partial<TLSSocket>
      const peer = tls.getPeerCertificate?.()
      const seen: SeenRequest = {
        method: request.method ?? '',
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: request.headers,
        rawHeaders: request.rawHeaders,
        body: Buffer.concat(chunks).toString('utf8'),
        clientName: typeof peer?.subject?.CN === 'string' ? peer.subject.CN : undefined,
        servername: typeof tls.servername === 'string' ? tls.servername : undefined,
        socket: request.socket,
      }
      requests.push(seen)
      handler(seen, response)
    })
  }
  const server =
    certificate === 'none'
      ? http.createServer(listener)
      : https.createServer(
          {
            cert: fixture(`${certificate}.pem`),
            key: fixture(`${certificate}.key`),
            ca: fixture('ca.pem'),
            requestCert: true,
            rejectUnauthorized: false,
          },
          listener,
        )
  server.keepAliveTimeout = 60_000
  server.on('connection', (socket: Socket) => {
    connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
  })
  server.on('secureConnection', () => handshakes++)
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `${certificate === 'none' ? 'http' : 'https'}://127.0.0.1:${port}`,
    requests,
    connections: () => connections,
    handshakes: () => handshakes,
    onUpgrade: (take) => server.on('upgrade', take),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

/** Answers with JSON. */
export const answer = (response: http.ServerResponse, status: number, body: unknown, headers: http.OutgoingHttpHeaders = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

/** A Status body as the API server writes it. */
export const statusBody = (code: number, reason: string, message: string, details: object = {}): object => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message,
  reason,
  details,
  code,
})
