import net from 'node:net'
import { isAddress } from '../../net/address.ts'
import type { Clock } from '../../rollout/clock.ts'
import { slept } from '../bell.ts'
import type { Packets } from './packets.ts'

/** Ports on 127.0.0.1 that stand for what is reached. */
interface NetworkPorts {
  readonly api: number
  /** Accepts and closes. */
  readonly other: number
  /** Nobody listens there. */
  readonly closed: number
}

/** What the operator's network needs. */
export interface NetworkSurroundings {
  readonly clock: Clock
  readonly packets: Packets
  readonly ports: NetworkPorts
  /** The operator's own address in the simulated LAN. */
  readonly operator: string
  /** The address behind a host name. */
  readonly resolve: (host: string) => string | undefined
  /** False while the operator's cable is pulled. */
  readonly plugged: () => boolean
  readonly signal: AbortSignal
  readonly onBug: (error: unknown) => void
}

/** When Linux sends a SYN again, in milliseconds after the one before. */
const retransmissions = [1000, 2000, 4000, 8000, 16_000, 32_000]

/** Keeps the process alive while a simulated connect is pending, as a real one does. */
const keepAlive = 2 ** 30

const failure = (code: string, host: string, port: number): Error =>
  Object.assign(new Error(`connect ${code} ${host}:${port}`), { code, syscall: 'connect', address: host, port })

/** The real connect behind a simulated one. Its errors name the simulated address. */
const connectTo = (socket: net.Socket, realPort: number, host: string, port: number): net.Socket => {
  const destroy = socket.destroy
  socket.destroy = (error?: Error) => {
    const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException
    return destroy.call(socket, error !== undefined && syscall === 'connect' ? failure(code ?? 'ECONNREFUSED', host, port) : error)
  }
  return socket.connect({ port: realPort, host: '127.0.0.1', noDelay: true })
}

/**
 * Opens connections from the operator's place: to what the firewall lets through at this moment. A dropped SYN is sent again as Linux does,
 * so a port that opens meanwhile connects late. A connection that stands is not touched by later rules, as conntrack has it.
 */
export const createOpenSocket = (around: NetworkSurroundings) => {
  const { packets, ports, operator, resolve, plugged } = around
  /** The real port to connect to now; undefined while packets are lost. */
  const wayTo = (address: string, port: number): number | undefined => {
    if (!plugged()) return undefined
    const { reach, listener } = packets.meet(operator, address, port)
    if (reach === 'TIMEOUT') return undefined
    if (reach === 'REFUSED') return ports.closed
    return listener.kind === 'api' ? ports.api : ports.other
  }
  return (host: string, port: number): net.Socket => {
    const socket = new net.Socket()
    const address = isAddress(host) ? host : resolve(host)
    if (address === undefined) {
      const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: host })
      setImmediate(() => socket.destroy(error))
      return socket
    }
    const now = wayTo(address, port)
    if (now !== undefined) return connectTo(socket, now, address, port)
    pend(socket, around, address, port, () => wayTo(address, port))
    return socket
  }
}

/** A socket that is connecting and stays so while its SYNs are lost. */
const pend = (
  socket: net.Socket,
  { clock, signal, onBug }: NetworkSurroundings,
  address: string,
  port: number,
  way: () => number | undefined,
): void => {
  Object.assign(socket, { connecting: true })
  const awake = setInterval(() => undefined, keepAlive)
  const gone = new AbortController()
  const leave = (): void => gone.abort()
  signal.addEventListener('abort', leave, { once: true })
  const settle = (): void => {
    clearInterval(awake)
    signal.removeEventListener('abort', leave)
    gone.abort()
  }
  socket.once('close', settle)
  socket.once('connect', settle)
  const resend = async (): Promise<void> => {
    for (const ms of retransmissions) {
      if (!(await slept(clock, ms, gone.signal)) || socket.destroyed) {
        socket.destroy()
        return
      }
      const found = way()
      if (found === undefined) continue
      Object.assign(socket, { connecting: false })
      connectTo(socket, found, address, port)
      return
    }
    socket.destroy(failure('ETIMEDOUT', address, port))
  }
  resend().catch(onBug)
}
