/** What a fresh connection came to. ERR carries the operating system's word, for example `ERR:EHOSTUNREACH`. */
export type Answer = 'OPEN' | 'REFUSED' | 'TIMEOUT' | `ERR:${string}`

/** Something to reach: a TCP port, a UDP port whose listener echoes, or an address that answers pings. */
export type Target =
  /** `from` is the caller's own port; absent: its kernel picks one. */
  | { readonly protocol: 'tcp' | 'udp'; readonly host: string; readonly port: number; readonly from?: number }
  | { readonly protocol: 'icmp'; readonly host: string }

/** One line of a watch: who is asked for what, every so often. */
export interface WatchLine {
  readonly id: string
  readonly target: Target
}

/** What an agent is asked. One JSON object a line. */
export type Question =
  | { readonly op: 'probe'; readonly targets: readonly Target[]; readonly timeoutMs: number }
  | { readonly op: 'listen'; readonly protocol: 'tcp' | 'udp'; readonly host: string; readonly port: number }
  | { readonly op: 'close'; readonly protocol: 'tcp' | 'udp'; readonly host: string; readonly port: number }
  | { readonly op: 'get'; readonly url: string; readonly timeoutMs: number }
  | { readonly op: 'hold'; readonly host: string; readonly port: number; readonly timeoutMs: number }
  | { readonly op: 'held'; readonly flow: number; readonly timeoutMs: number }
  | { readonly op: 'watch'; readonly lines: readonly WatchLine[]; readonly everyMs: number; readonly timeoutMs: number }

/** One attempt of a watch. Times are milliseconds since the epoch, on this machine's one clock. */
export interface Sample {
  readonly id: string
  readonly started: number
  readonly ended: number
  readonly answer: Answer
}

/** What an agent says. A watch answers with samples until its connection closes. */
export type Reply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string }
  | { readonly id: number; readonly samples: readonly Sample[] }

/** `192.168.218.174:22`, `192.168.218.174:53/udp` or `192.168.218.174/icmp`. */
export const formatTarget = (target: Target): string =>
  target.protocol === 'icmp' ? `${bracketed(target.host)}/icmp` : `${bracketed(target.host)}:${target.port}${target.protocol === 'udp' ? '/udp' : ''}`

/**
 * Parses what {@link formatTarget} prints.
 * @throws Error saying what a target looks like
 */
export const parseTarget = (text: string): Target => {
  const icmp = /^(.+)\/icmp$/.exec(text)
  if (icmp?.[1] !== undefined) return { protocol: 'icmp', host: unbracketed(icmp[1]) }
  const match = /^(.+):(\d+)(\/udp|\/tcp)?$/.exec(text)
  if (match?.[1] === undefined) throw new Error(`"${text}" is no target: write 192.168.218.174:22, 192.168.218.174:53/udp or 192.168.218.174/icmp`)
  return { protocol: match[3] === '/udp' ? 'udp' : 'tcp', host: unbracketed(match[1]), port: Number(match[2]) }
}

const bracketed = (host: string) => (host.includes(':') ? `[${host}]` : host)
const unbracketed = (host: string) => host.replace(/^\[(.*)\]$/, '$1')
