import type { Api } from '../../src/cluster/api.ts'

/** An API client that can be killed, as SIGKILL kills a process: the write in flight may land, and nothing is ever heard again. */
export interface MortalApi extends Api {
  /** Writes sent so far, dry runs aside. */
  writes(): readonly string[]
  /** Lets it die once so many more writes have landed. */
  dieAfter(writes: number): void
  dead(): boolean
}

const never = new Promise<never>(() => undefined)
const writing = new Set(['create', 'apply', 'mergePatch', 'replace', 'delete', 'deleteCollection'])

/** Dies once write number `lastWrite` (from 1), or the first one it says so of, has landed, before its answer is read; `Infinity` lives on. */
export const mortal = (api: Api, lastWrite: number | ((write: string) => boolean)): MortalApi => {
  const sent: string[] = []
  let dead = false
  let last = typeof lastWrite === 'number' ? lastWrite : Number.POSITIVE_INFINITY
  const wrap =
    (method: keyof Api) =>
    async (...args: unknown[]): Promise<unknown> => {
      if (dead) return never
      const options = args.at(-1) as { dryRun?: boolean } | undefined
      const counts = writing.has(method) && options?.dryRun !== true
      const call = (api[method] as (...all: unknown[]) => unknown)(...args)
      if (!counts) return call
      sent.push(`${method} ${nameOf(args[0])}`)
      const isLast = typeof lastWrite === 'function' && lastWrite(sent.at(-1) ?? '')
      if (sent.length < last && !isLast) return call
      dead = true
      await Promise.resolve(call).catch(() => undefined)
      return never
    }
  const methods = ['request', 'get', 'list', ...writing] as (keyof Api)[]
  return {
    ...(Object.fromEntries(methods.map((method) => [method, wrap(method)])) as unknown as Api),
    close: () => undefined,
    writes: () => sent,
    dieAfter: (writes) => {
      last = sent.length + writes
    },
    dead: () => dead,
  }
}

const nameOf = (target: unknown): string => {
  const { kind, name, metadata } = (target ?? {}) as { kind?: string; name?: string; metadata?: { name: string } }
  return `${kind ?? ''} ${metadata?.name ?? name ?? ''}`
}
