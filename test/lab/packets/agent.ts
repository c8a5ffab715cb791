/**
 * The lab's foot inside one network namespace: agent.mjs SOCKET. It probes, listens and watches there for whoever connects to its unix socket,
 * which no network namespace confines. One process per place, started once: starting node for every probe would cost more than the probe.
 */
import { existsSync, unlinkSync } from 'node:fs'
import { get } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { attempt, hold, stillOpen } from './attempt.ts'
import { type Listener, listenTcp, listenUdp } from './listeners.ts'
import type { Question, Reply, Sample } from './protocol.ts'

const listeners = new Map<string, Listener>()
const flows: Socket[] = []

const serve = (path: string): void => {
  if (existsSync(path)) unlinkSync(path)
  createServer((socket) => {
    socket.on('error', () => socket.destroy())
    const lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })
    // A reader that went away in the middle of a sentence is its own affair; unheard, its error would end this agent.
    lines.on('error', () => undefined)
    lines.on('line', (line) => {
      const { id, ...question } = JSON.parse(line) as Question & { id: number }
      const say = (reply: Reply) => socket.writable && socket.write(`${JSON.stringify(reply)}\n`)
      if (question.op === 'watch') return watch(question, socket, (samples) => say({ id, samples }))
      answer(question).then(
        (result) => say({ id, result }),
        (error: unknown) => say({ id, error: error instanceof Error ? error.message : String(error) }),
      )
    })
  }).listen(path)
}

const answer = async (question: Exclude<Question, { op: 'watch' }>): Promise<unknown> => {
  switch (question.op) {
    case 'probe':
      return Promise.all(question.targets.map((target) => attempt(target, question.timeoutMs)))
    case 'listen': {
      const listener = await (question.protocol === 'tcp' ? listenTcp : listenUdp)(question.host, question.port)
      listeners.set(keyOf(question), listener)
      return true
    }
    case 'close': {
      const listener = listeners.get(keyOf(question))
      listener?.close()
      return listeners.delete(keyOf(question))
    }
    case 'get':
      return fetchText(question.url, question.timeoutMs)
    case 'hold': {
      const held = await hold(question.host, question.port, question.timeoutMs)
      if (typeof held === 'string') throw new Error(held)
      return flows.push(held) - 1
    }
    case 'held': {
      const flow = flows[question.flow]
      return flow === undefined ? 'ERR:unknown' : stillOpen(flow, question.timeoutMs)
    }
  }
}

/** Starts an attempt per line every `everyMs`, whether or not the last one has ended, so that a cut is seen to its edges. */
const watch = (question: Extract<Question, { op: 'watch' }>, socket: Socket, say: (samples: readonly Sample[]) => void): void => {
  const seen: Sample[] = []
  const timers = question.lines.map(({ id, target }, index) => {
    const tick = () => {
      const started = Date.now()
      void attempt(target, question.timeoutMs).then((result) => seen.push({ id, started, ended: Date.now(), answer: result }))
    }
    // Spread over the interval: a hundred sockets at one instant measure the machine, not the firewall.
    let timer = setTimeout(
      () => {
        tick()
        timer = setInterval(tick, question.everyMs)
      },
      (index * question.everyMs) / question.lines.length,
    )
    return () => clearTimeout(timer)
  })
  const flush = setInterval(() => seen.length > 0 && say(seen.splice(0)), 100)
  socket.once('close', () => {
    clearInterval(flush)
    for (const stop of timers) stop()
  })
}

const fetchText = (url: string, timeoutMs: number): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: timeoutMs }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    request.on('timeout', () => request.destroy(new Error(`${url}: no answer in ${timeoutMs} ms`)))
    request.on('error', reject)
  })

const keyOf = ({ protocol, host, port }: { protocol: string; host: string; port: number }) => `${protocol}/${host}/${port}`

const [path] = process.argv.slice(2)
if (path === undefined) throw new Error('usage: agent.mjs SOCKET')
serve(path)
