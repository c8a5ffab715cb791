import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { roles } from '../../../src/cluster/rights.ts'
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

const eventsOf = (state: StateDir): AuditEvent[] => {
  const folder = state.at('log')
  return readdirSync(folder)
    .filter(isLog)
    .flatMap((name) => {
      const lines = readFileSync(`${folder}/${name}`, 'utf8').split('\n')
      // The last piece is empty, or a line still being written.
      return lines.slice(0, -1).map((line) => JSON.parse(line) as AuditEvent)
    })
}

/** Every write so far, in the order of their answers. */
export const writesSeen = (state: StateDir): Write[] =>
  eventsOf(state)
    .filter(({ verb }) => writing.includes(verb))
    .map(writeOf)
    .sort((one, other) => one.at - other.at)

/** Every call on a resource since a moment by a user of one of the product's roles; questions about oneself, which everybody may ask, are none. */
export const callsSeen = (state: StateDir, since: number): SeenCall[] =>
  eventsOf(state)
    .filter(({ requestReceivedTimestamp }) => Date.parse(requestReceivedTimestamp) >= since)
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

const writeOf = ({ requestReceivedTimestamp, requestURI, userAgent = '', verb, objectRef, responseStatus }: AuditEvent): Write => ({
  at: Date.parse(requestReceivedTimestamp),
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
  writesSeen(state).filter(
    ({ agent, at, dryRun, status, resource }) =>
      at >= since && agent.startsWith('kubectl-calico-fw/') && !dryRun && status < 300 && !questions.includes(resource),
  )

/** `create networksets calico-fw/gate-1`. */
export const formatWrite = ({ verb, resource, namespace, name }: Write): string =>
  [verb, resource, name === undefined ? undefined : namespace === undefined ? name : `${namespace}/${name}`].filter(Boolean).join(' ')
