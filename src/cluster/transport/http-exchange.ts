import type { Agent, IncomingMessage } from 'node:http'
import http from 'node:http'
import https from 'node:https'
import type { DialOptions } from './dialing-agent.ts'

/** One HTTP request, complete. */
export interface Exchange {
  readonly method: string
  readonly url: URL
  /** What goes on the request line: the path, or the whole URL to an http proxy. */
  readonly target: string
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly body: string | undefined
  readonly agent: Agent
  readonly signal: AbortSignal
  /** Longest answer read, in bytes. */
  readonly maxBytes: number
}

/** One HTTP answer, complete. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<NodeJS.Dict<string | string[]>>
  readonly body: Buffer
  /** The address this machine used towards the server, or towards the proxy. */
  readonly localAddress: string | undefined
}

/** An answer that could not be had, with what is known of the connection. */
export class ExchangeError extends Error {
  /** The connection had carried a request before: the server may have closed it while it was idle. */
  readonly reused: boolean
  /** The head of an answer had arrived. */
  readonly answered: boolean

  constructor(cause: unknown, known: { readonly reused: boolean; readonly answered: boolean }) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.reused = known.reused
    this.answered = known.answered
  }
}

/** The answer is longer than we read. */
export class TooLongError extends Error {}

/**
 * Sends one request and reads its whole answer.
 * @throws ExchangeError
 */
export const exchange = (request: Exchange): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    const { method, url, target, headers, body, agent, signal, maxBytes } = request
    const client = url.protocol === 'https:' ? https : http
    // Node sends the body of a DELETE unframed unless its length is written, and the server then reads it as the next request.
    const framed = body === undefined ? headers : { ...headers, 'content-length': String(Buffer.byteLength(body)) }
    const options: DialOptions = { method, path: target, headers: framed, agent, signal, dialSignal: signal }
    const sent = client.request(url, options)
    let answered = false
    const fail = (cause: unknown): void => reject(new ExchangeError(cause, { reused: sent.reusedSocket, answered }))
    sent.on('error', fail)
    // Node tells nothing else of a 101, and after it no deadline either. Nothing here speaks another protocol over a request.
    sent.on('upgrade', (_, socket) => {
      socket.destroy()
      fail(new Error('the server switched protocols instead of answering'))
    })
    sent.on('close', () => {
      if (!answered) fail(new Error('the connection closed without an answer'))
    })
    sent.on('response', (response) => {
      answered = true
      const localAddress = response.socket.localAddress
      readBody(response, maxBytes).then(
        (content) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: content, localAddress }),
        fail,
      )
    })
    sent.end(body)
  })

const readBody = async (response: IncomingMessage, maxBytes: number): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new TooLongError(`the answer is longer than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
