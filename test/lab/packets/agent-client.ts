import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Answer, Question, Reply, Sample, Target, WatchLine } from './protocol.ts'

/** Default patience of a probe: one retransmitted SYN after a second still counts. */
export const probeTimeoutMs = 1200

/** An agent as the harness sees it. */
export interface AgentClient {
  probe(targets: readonly Target[], timeoutMs?: number): Promise<Answer[]>
  listen(protocol: 'tcp' | 'udp', port: number, host?: string): Promise<void>
  close(protocol: 'tcp' | 'udp', port: number, host?: string): Promise<void>
  get(url: string, timeoutMs?: number): Promise<{ readonly status: number; readonly body: string }>
  /** Opens a flow that stays, and returns its number. */
  hold(host: string, port: number): Promise<number>
  held(flow: number): Promise<Answer>
  /** Samples until `stop` is called. */
  watch(lines: readonly WatchLine[], everyMs: number, timeoutMs: number, each: (samples: readonly Sample[]) => void): Promise<() => void>
}

/** A client of the agent behind a unix socket; every question has a connection of its own, so nothing keeps the harness alive. */
export const agentClient = (path: string): AgentClient => {
  const ask = async (question: Question, patienceMs: number): Promise<unknown> => {
    const socket = await open(path)
    try {
      return await new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`the agent at ${path} does not answer "${question.op}"`)), patienceMs)
        onReply(socket, (reply) => {
          clearTimeout(timer)
          if ('error' in reply) reject(new Error(reply.error))
          else if ('result' in reply) resolve(reply.result)
        })
        socket.once('error', reject)
        socket.write(`${JSON.stringify({ id: 1, ...question })}\n`)
      })
    } finally {
      socket.destroy()
    }
  }
  return {
    probe: async (targets, timeoutMs = probeTimeoutMs) => (await ask({ op: 'probe', targets, timeoutMs }, timeoutMs + 20_000)) as Answer[],
    listen: async (protocol, port, host = '0.0.0.0') => void (await ask({ op: 'listen', protocol, host, port }, 10_000)),
    close: async (protocol, port, host = '0.0.0.0') => void (await ask({ op: 'close', protocol, host, port }, 10_000)),
    get: async (url, timeoutMs = 2000) => (await ask({ op: 'get', url, timeoutMs }, timeoutMs + 10_000)) as { status: number; body: string },
    hold: async (host, port) => (await ask({ op: 'hold', host, port, timeoutMs: probeTimeoutMs }, 20_000)) as number,
    held: async (flow) => (await ask({ op: 'held', flow, timeoutMs: probeTimeoutMs }, 20_000)) as Answer,
    watch: async (lines, everyMs, timeoutMs, each) => {
      const socket = await open(path)
      onReply(socket, (reply) => 'samples' in reply && each(reply.samples))
      socket.write(`${JSON.stringify({ id: 1, op: 'watch', lines, everyMs, timeoutMs })}\n`)
      return () => socket.destroy()
    },
  }
}

const open = (path: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(path, () => {
      socket.off('error', reject)
      socket.on('error', () => socket.destroy())
      resolve(socket)
    })
    socket.once('error', reject)
  })

const onReply = (socket: Socket, take: (reply: Reply) => void): void => {
  const lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })
  lines.on('line', (line) => take(JSON.parse(line) as Reply))
  // The socket's own error is heard where it was opened; here it would be nobody's, and end the harness.
  lines.on('error', () => undefined)
}
