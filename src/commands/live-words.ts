import { resourceOf } from '../calico/resources.ts'
import { createApi } from '../cluster/create-api.ts'
import type { ConnectionFlags } from '../cluster/kubeconfig/connection-flags.ts'
import { loadKubeconfig } from '../cluster/kubeconfig/kubeconfig-chain.ts'
import { resolveKubeconfig } from '../cluster/kubeconfig/resolve-kubeconfig.ts'
import { connect } from '../cluster/transport/connect.ts'
import { interfaceName } from '../net/interface-name.ts'
import { changesOf } from '../rollout/changes.ts'
import { readCheckpoints } from '../rollout/perform/checkpoint-store.ts'
import { counted } from '../ui/wrap.ts'
import type { Context } from './context.ts'

/** What a word can be that only the kubeconfig or the cluster knows. */
export type LiveKind = 'contexts' | 'clusters' | 'users' | 'nodes' | 'interfaces' | 'changes'

/** A word and what to say of it. */
export type Candidate = readonly [string, string]

/** Milliseconds a shell waits for us; what takes longer is no help to somebody who types. */
const withinMs = 300

/** The words of a kind. Silently none where they cannot be had in time: completion has nowhere to complain. */
export const liveWords = async (context: Context, words: readonly string[], kind: LiveKind): Promise<readonly Candidate[]> => {
  try {
    const flags = connectionFlagsIn(words)
    if (kind === 'contexts' || kind === 'clusters' || kind === 'users') {
      const known = loadKubeconfig(flags, context.workstation)
      return [...known[kind].keys()].map((name) => [name, ''])
    }
    const late = new AbortController()
    const inTime = context.clock.sleep(withinMs, late.signal).then((): readonly Candidate[] => [])
    inTime.catch(() => undefined)
    return await Promise.race([fromCluster(context, flags, kind), inTime]).finally(() => late.abort())
  } catch {
    return []
  }
}

const fromCluster = async (context: Context, flags: ConnectionFlags, kind: 'nodes' | 'interfaces' | 'changes'): Promise<readonly Candidate[]> => {
  const connection = connect(resolveKubeconfig(flags, context.workstation), context.workstation, { openSocket: context.openSocket })
  const api = createApi(connection)
  try {
    if (kind === 'changes') {
      const { checkpoints } = await readCheckpoints(api)
      return changesOf(checkpoints).map(({ number, at, command }) => [`${number}`, `${at}  ${command}`])
    }
    const nodes = (await api.list(resourceOf('v1', 'Node'), { timeoutMs: withinMs })) ?? []
    if (kind === 'nodes') return nodes.map(({ metadata }) => [metadata.name, ''])
    const names = nodes.flatMap(({ metadata }) => interfacesIn(metadata.annotations?.['projectcalico.org/Interfaces']))
    return [...new Set(names)].sort().map((name) => [name, `on ${counted(names.filter((one) => one === name).length, 'node')}`])
  } finally {
    connection.close()
  }
}

/** Calico 3.31 and later write every NIC of a node there. */
const interfacesIn = (annotation: string | undefined): string[] => {
  const read: unknown = JSON.parse(annotation ?? '[]')
  return Array.isArray(read) ? read.flatMap((one: { name?: unknown }) => (typeof one?.name === 'string' ? [interfaceName(one.name)] : [])) : []
}

const flagNames = {
  '--kubeconfig': 'kubeconfig',
  '--context': 'context',
  '--cluster': 'cluster',
  '--user': 'user',
  '--server': 'server',
  '-s': 'server',
} as const

/** The connection flags among words that are still being typed: nothing else of them need make sense yet. */
const connectionFlagsIn = (words: readonly string[]): ConnectionFlags =>
  Object.fromEntries(
    words.flatMap((word, at) => {
      const [flag = '', value = words[at + 1]] = word.includes('=') ? [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)] : [word]
      const name = flagNames[flag as keyof typeof flagNames]
      return name === undefined || value === undefined ? [] : [[name, value]]
    }),
  )
