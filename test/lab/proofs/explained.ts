import type { KubeObject } from '../../../src/calico/object.ts'
import { calicoApiVersion } from '../cluster/crds.ts'
import type { Lab } from '../lab.ts'
import { send } from '../packets/table.ts'
import { runTool, type ToolEnd, tail } from '../tool.ts'
import { closable } from './home-answers.ts'

/** Where a cluster stands, by its objects as the harness reads them. */
export interface Found {
  readonly standing: 'none' | 'kept' | 'trial' | 'expired' | 'opened'
  /** Kinds and names of what is ours, the lock and the checkpoints aside. */
  readonly ours: readonly string[]
  readonly lockedBy: string | undefined
}

const runLabel = 'calico-fw.github.io/run'

/** Labels of an object; where there are only storage CRDs calicoctl, and so the tool, keeps them in an annotation. */
const labelsOf = ({ metadata: { labels, annotations } }: KubeObject): Readonly<Record<string, string>> => {
  const stored = JSON.parse(annotations?.['projectcalico.org/metadata'] ?? '{}') as { labels?: Record<string, string> }
  return { ...labels, ...stored.labels }
}

/** Reads the objects past the product: its own client, its own rules. */
export const findStanding = async ({ api, variant }: Lab): Promise<Found> => {
  const apiVersion = calicoApiVersion(variant.flavour)
  const switches = variant.flavour === 'aggregated' ? 'crd.projectcalico.org/v1' : apiVersion
  const namespace = 'calico-fw'
  const own = async (kind: string): Promise<KubeObject[]> =>
    (await api.list({ apiVersion, kind })).filter((object) => labelsOf(object)['app.kubernetes.io/managed-by'] === 'calico-fw')
  const [hostEndpoints, policies, sets, gates, lease] = await Promise.all([
    own('HostEndpoint'),
    own('GlobalNetworkPolicy'),
    own('GlobalNetworkSet'),
    api.list({ apiVersion: switches, kind: 'NetworkSet', namespace }),
    api.get({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace, name: 'calico-fw-lock' }),
  ])
  const deny = policies.find(({ metadata }) => metadata.name === 'calico-fw-deny')
  const kept = /in \{([^}]*)\}/.exec(String((deny?.['spec'] as { selector?: string } | undefined)?.selector))?.[1] ?? ''
  const runs = new Set(hostEndpoints.map((object) => labelsOf(object)[runLabel] ?? ''))
  const isKept = (run: string) => kept.includes(`"${run}"`) || kept.includes(`'${run}'`)
  const unkept = [...runs].filter((run) => !isKept(run))
  const isOpened = sets.some(({ metadata }) => metadata.name === 'calico-fw-open')
  // Of a change that is kept the gate holds nothing any more.
  const armed = gates.some(({ metadata: { name } }) => name.startsWith('gate-') && !isKept(name.slice('gate-'.length)))
  const standing = isOpened ? 'opened' : armed ? 'trial' : unkept.length > 0 ? 'expired' : hostEndpoints.length > 0 ? 'kept' : 'none'
  const holder = (lease?.['spec'] as { holderIdentity?: string } | undefined)?.holderIdentity
  return {
    standing,
    ours: [...hostEndpoints, ...policies, ...sets].map(({ kind, metadata }) => `${kind} ${metadata.name}`),
    lockedBy: holder === '' ? undefined : holder,
  }
}

interface Told {
  readonly standing?: string
  readonly lock?: { readonly holder: string; readonly step?: string }
  readonly changes?: readonly unknown[]
}

const ask = async (lab: Lab): Promise<{ readonly end: ToolEnd; readonly said: Told }> => {
  const end = await runTool(lab, ['status', '-o', 'json'])
  return { end, said: JSON.parse(end.lines.flatMap(({ stream, text }) => (stream === 'stdout' ? [text] : [])).join('\n') || '{}') as Told }
}

/** What `status` gets wrong while things still move: its word is what the objects say just before, or just after. */
export const misread = async (lab: Lab): Promise<readonly string[]> => {
  const before = await findStanding(lab)
  const { end, said } = await ask(lab)
  const known: readonly string[] = [before.standing, (await findStanding(lab)).standing]
  return known.includes(said.standing ?? '')
    ? []
    : [`at once status says ${said.standing ?? `nothing:\n${tail(end.lines)}`}, the objects say ${known.join(', then ')}`]
}

/** What `status` gets wrong; empty where its word, its next command and the packets agree with the objects. */
export const unexplained = async (lab: Lab): Promise<{ readonly found: Found; readonly faults: readonly string[] }> => {
  const found = await findStanding(lab)
  const { end: told, said } = await ask(lab)
  const answers = await send(lab, closable(lab))
  const text = (await runTool(lab, ['status'])).lines.map((line) => line.text).join('\n')
  const open = answers.filter(({ answer }) => answer === 'OPEN').length
  const wantOpen = found.standing === 'kept' || found.standing === 'trial' ? 0 : answers.length
  const waits = found.standing !== 'none' && found.standing !== 'kept'
  const checks: readonly (readonly [boolean, string])[] = [
    [said.standing === found.standing, `status says ${said.standing ?? `nothing:\n${tail(told.lines)}`}, the objects say ${found.standing}`],
    [told.code === (waits ? 1 : 0), `status exits ${told.code} at ${found.standing}`],
    [open === wantOpen, `${open} of ${answers.length} ports open at ${found.standing}`],
    [said.lock?.holder === found.lockedBy, `status names ${said.lock?.holder ?? 'no holder'}, the lock says ${found.lockedBy ?? 'nobody'}`],
    [found.lockedBy === undefined || (said.lock?.step ?? '') !== '', 'status does not say at which step the holder is'],
    [found.ours.length === 0 || text.includes('kubectl calico-fw '), 'status names no next command'],
    [found.ours.length === 0 || (said.changes ?? []).length > 0, `objects of ours and no change that explains them: ${found.ours.join(', ')}`],
  ]
  return { found, faults: checks.flatMap(([holds, fault]) => (holds ? [] : [fault])) }
}
