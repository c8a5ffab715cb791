import { closeSync, openSync, readdirSync, readSync, statSync, writeFileSync } from 'node:fs'
import { roles } from '../../../src/calico/rights.ts'
import type { StateDir } from '../machine/state.ts'

/** A request that changed something, or tried to, as the API server itself recorded it. */
export interface Write {
  /** Milliseconds since the epoch, when the API server received it. */
  readonly at: number
  readonly agent: string
  readonly verb: string
  /** `globalnetworkpolicies`, with `/status` where it was that. */
  readonly resource: string
  readonly namespace?: string
  readonly name?: string
  readonly dryRun: boolean
  readonly status: number
}

/** Any request of one of the product's roles, as RBAC sees it. */
export interface SeenCall {
  readonly user: string
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly namespace?: string
  readonly name?: string
  readonly status: number
}

interface AuditEvent {
  /** Milliseconds since the epoch, from the timestamp. */
  readonly at: number
  readonly user?: { readonly username?: string }
  readonly requestReceivedTimestamp: string
  readonly requestURI: string
  readonly userAgent?: string
  readonly verb: string
  readonly objectRef?: {
    readonly apiGroup?: string
    readonly resource: string
    readonly subresource?: string
    readonly namespace?: string
    readonly name?: string
  }
  readonly responseStatus?: { readonly code: number }
}

const writing = ['create', 'update', 'patch', 'delete', 'deletecollection']

const policy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata', userGroups: roles.map((role) => `calico-fw:${role}`) }, { level: 'Metadata', verbs: writing }, { level: 'None' }],
}

const isLog = (name: string): boolean => name.startsWith('audit') && name.endsWith('.jsonl')

/** Flags that make an API server record every write: who wrote what, and when. What a client prints of itself proves nothing; this does. Each server has a log. */
export const auditFlags = (state: StateDir, server: string): string[] => {
  const file = state.at('audit-policy.json')
  writeFileSync(file, JSON.stringify(policy))
  return [`--audit-policy-file=${file}`, `--audit-log-path=${state.at('log', `audit-${server}.jsonl`)}`]
}

/** What was read of each log: a test asks many times a second while it grows. */
const read = new Map<string, { readonly events: AuditEvent[]; bytes: number }>()

const eventsOf = (state: StateDir): AuditEvent[] => {
  const folder = state.at('log')
  return readdirSync(folder)
    .filter(isLog)
    .flatMap((name) => grown(`${folder}/${name}`))
}

const eventOf = (event: Omit<AuditEvent, 'at'>): AuditEvent => ({ ...event, at: Date.parse(event.requestReceivedTimestamp) })

const grown = (path: string): readonly AuditEvent[] => {
  const { size, ino, birthtimeMs } = statSync(path)
  // By the file and not by its path: the next cell's lab writes a new one there, and an API server renames what has grown too long.
  const id = `${ino} ${birthtimeMs}`
  const log = read.get(id) ?? { events: [], bytes: 0 }
  read.set(id, log)
  if (log.bytes === size) return log.events
  const text = Buffer.alloc(size - log.bytes)
  const file = openSync(path, 'r')
  readSync(file, text, 0, text.length, log.bytes)
  closeSync(file)
  // The last piece is a line still being written.
  const whole = text.lastIndexOf('\n') + 1
  log.bytes += whole
  for (const line of text.toString('utf8', 0, whole).split('\n'))
    if (line !== '') log.events.push(eventOf(JSON.parse(line) as Omit<AuditEvent, 'at'>))
  return log.events
}

/** Every write so far, in the order of their answers. */
const writesSeen = (state: StateDir, since = 0): Write[] =>
  eventsOf(state)
    .filter(({ at, verb }) => at >= since && writing.includes(verb))
    .map(writeOf)
    .sort((one, other) => one.at - other.at)

/** Every call on a resource since a moment by a user of one of the product's roles; questions about oneself, which everybody may ask, are none. */
export const callsSeen = (state: StateDir, since: number): SeenCall[] =>
  eventsOf(state)
    .filter(({ at }) => at >= since)
    .flatMap(({ user, verb, objectRef, responseStatus }) => {
      if (objectRef === undefined || objectRef.apiGroup === 'authorization.k8s.io') return []
      const { apiGroup = '', resource, subresource, namespace, name } = objectRef
      return [
        {
          ...{ user: user?.username ?? '', verb, group: apiGroup, status: responseStatus?.code ?? 0 },
          resource: subresource === undefined ? resource : `${resource}/${subresource}`,
          ...(namespace === undefined ? {} : { namespace }),
          ...(name === undefined ? {} : { name }),
        },
      ]
    })

const writeOf = ({ at, requestURI, userAgent = '', verb, objectRef, responseStatus }: AuditEvent): Write => ({
  at,
  agent: userAgent,
  verb,
  resource: `${objectRef?.resource ?? requestURI}${objectRef?.subresource === undefined ? '' : `/${objectRef.subresource}`}`,
  ...(objectRef?.namespace === undefined ? {} : { namespace: objectRef.namespace }),
  ...(objectRef?.name === undefined ? {} : { name: objectRef.name }),
  dryRun: requestURI.includes('dryRun=All'),
  status: responseStatus?.code ?? 0,
})

/** Questions that are asked by POST and store nothing. */
const questions = ['selfsubjectaccessreviews', 'subjectaccessreviews', 'selfsubjectreviews', 'tokenreviews', 'pods/exec', 'pods/portforward']

/** The writes of this product that took effect since a moment; dry runs and refused ones are none. */
export const toolWrites = (state: StateDir, since: number): Write[] =>
  writesSeen(state, since).filter(
    ({ agent, dryRun, status, resource }) => agent.startsWith('kubectl-calico-fw/') && !dryRun && status < 300 && !questions.includes(resource),
  )

/** `create networksets calico-fw/gate-1`. */
export const formatWrite = ({ verb, resource, namespace, name }: Write): string =>
  [verb, resource, name === undefined ? undefined : namespace === undefined ? name : `${namespace}/${name}`].filter(Boolean).join(' ')
