import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { connect, isIPv6, type Socket } from 'node:net'
import type { Answer, Target } from './protocol.ts'

/** Tries once, with a new socket every time: an established flow survives every mistake a firewall can make. */
export const attempt = (target: Target, timeoutMs: number): Promise<Answer> => {
  switch (target.protocol) {
    case 'tcp':
      return tcp(target, timeoutMs)
    case 'udp':
      return udp(target, timeoutMs)
    case 'icmp':
      return icmp(target.host, timeoutMs)
  }
}

type Ported = Extract<Target, { readonly port: number }>

const tcp = ({ host, port, from }: Ported, timeoutMs: number): Promise<Answer> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, ...(from === undefined ? {} : { localPort: from }) })
    const timer = setTimeout(() => end('TIMEOUT'), timeoutMs)
    const end = (answer: Answer) => {
      clearTimeout(timer)
      // A reset leaves no TIME_WAIT behind; thousands of probes would run out of ports.
      socket.resetAndDestroy()
      resolve(answer)
    }
    socket.once('connect', () => end('OPEN'))
    socket.on('error', (error) => end(answerTo(error)))
  })

const udp = ({ host, port, from = 0 }: Ported, timeoutMs: number): Promise<Answer> =>
  new Promise((resolve) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
    const timer = setTimeout(() => end('TIMEOUT'), timeoutMs)
    const end = (answer: Answer) => {
      clearTimeout(timer)
      socket.removeAllListeners()
      socket.close()
      resolve(answer)
    }
    socket.on('error', (error) => end(answerTo(error)))
    socket.once('message', () => end('OPEN'))
    // Connected, so that an ICMP port-unreachable comes back as an error.
    socket.bind(from, () => socket.connect(port, host, () => socket.send('ping', (error) => error && end(answerTo(error)))))
  })

const icmp = (host: string, timeoutMs: number): Promise<Answer> =>
  new Promise((resolve) => {
    execFile('ping', ['-n', '-c', '1', '-W', String(timeoutMs / 1000), host], (error, stdout) => {
      if (error === null) resolve('OPEN')
      else resolve(/Unreachable|prohibited/i.test(stdout) ? 'REFUSED' : 'TIMEOUT')
    })
  })

const answerTo = (error: NodeJS.ErrnoException): Answer => {
  if (error.code === 'ECONNREFUSED') return 'REFUSED'
  // A SYN-ACK whose connection is reset at once was answered by somebody.
  if (error.code === 'ETIMEDOUT') return 'TIMEOUT'
  return `ERR:${error.code ?? error.message}`
}

/** Opens a flow that stays: conntrack must carry it through a closing. */
export const hold = (host: string, port: number, timeoutMs: number): Promise<Socket | Answer> =>
  new Promise((resolve) => {
    const socket = connect({ host, port })
    const timer = setTimeout(() => fail('TIMEOUT'), timeoutMs)
    const fail = (answer: Answer) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    socket.on('error', (error) => fail(answerTo(error)))
    socket.once('connect', () => {
      clearTimeout(timer)
      resolve(socket)
    })
  })

/** Sends a word down an open flow and waits for its echo. */
export const stillOpen = (socket: Socket, timeoutMs: number): Promise<Answer> =>
  new Promise((resolve) => {
    if (socket.destroyed) return resolve('ERR:closed')
    const timer = setTimeout(() => end('TIMEOUT'), timeoutMs)
    const heard = () => end('OPEN')
    const end = (answer: Answer) => {
      clearTimeout(timer)
      socket.off('data', heard)
      resolve(answer)
    }
    socket.on('data', heard)
    socket.write('still there?\n', (error) => error && end(answerTo(error)))
  })
