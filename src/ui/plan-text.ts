import { formatRef, type KubeObject, refOf } from '../calico/object.ts'
import { listed as shortened } from '../firewall/plan/differences.ts'
import type { Difference, Plan } from '../firewall/plan/plan.ts'
import { plainTheme, type Theme } from './theme.ts'
import { counted, listed, wrap } from './wrap.ts'

/** What a plan is shown with. */
export interface PlanTextOptions {
  readonly cluster: { readonly context: string; readonly server: string }
  readonly windowSeconds: number
  readonly columns: number
  readonly theme?: Theme
  /** The packet sets it opens and closes, in sentences. */
  readonly packets?: readonly string[]
}

/** A plan in plain words: what closes, what opens, what stays open and for whom, in which order, and how it ends by itself. */
export const planText = (plan: Plan, { cluster, windowSeconds, columns, theme = plainTheme, packets = [] }: PlanTextOptions): string => {
  const width = Math.min(columns, 100)
  const bullet = (text: string, mark = '- '): string => wrap(text, { columns: width, first: `  ${mark}` })
  const section = (title: string, lines: readonly string[]): string[] => (lines.length === 0 ? [] : ['', theme.strong(title), ...lines])
  const differencesOf = (change: Difference['change']): string[] =>
    together(plan.differences.filter((one) => one.change === change)).map(({ what, forWhom, because }) =>
      bullet(`${what}, for ${forWhom}: ${because}`),
    )
  const [empty, more] = halved(notices(plan), ({ text }) => text.startsWith('No interface of any Ready node'))
  return [
    theme.strong(
      `Change ${plan.change}: firewall ${plan.firewall.metadata.name} on ${cluster.context === '' ? cluster.server : `${cluster.context} (${cluster.server})`}`,
    ),
    ...empty.map(({ text }) => theme.warn(bullet(text, '! '))),
    // The words come from the file alone; what of it is closed today already, only the packets tell.
    ...section(
      plan.adoption === undefined ? 'What closes' : 'What ours closes, new or not; what is new is told by packets below',
      differencesOf('closes'),
    ),
    ...section('What opens', differencesOf('opens')),
    ...section('What stays open', differencesOf('stays-open')),
    ...section(
      'The same over all packets, once it is kept',
      packets.map((text) => bullet(text)),
    ),
    ...section(
      'In this order',
      order(plan, windowSeconds).map((text, at) => bullet(text, `${at + 1}. `)),
    ),
    ...section(
      'What else to know',
      more.map(({ level, text }) => (level === 'warning' ? theme.warn(bullet(text, '! ')) : bullet(text))),
    ),
    ...section(
      'If something goes wrong',
      wayBack(plan, windowSeconds).map((text) => bullet(text)),
    ),
  ].join('\n')
}

/** Differences for the same people and the same reason are one sentence. */
const together = (differences: readonly Difference[]): Difference[] => {
  const joined = new Map<string, Difference>()
  for (const one of differences) {
    const key = `${one.forWhom}\n${one.because}`
    const known = joined.get(key)
    joined.set(key, known === undefined ? one : { ...known, what: `${known.what}; ${one.what}` })
  }
  return [...joined.values()]
}

/** Failsafes are told as differences; saying them twice helps nobody. */
const notices = (plan: Plan): Plan['notices'] => plan.notices.filter(({ text }) => !text.startsWith('Open to everyone by failsafe'))

const halved = <Item>(items: readonly Item[], isFirst: (item: Item) => boolean): [Item[], Item[]] => [
  items.filter(isFirst),
  items.filter((item) => !isFirst(item)),
]

const order = ({ failsafes, narrowing, sets, policies, batches, adoption, differences, finish }: Plan, windowSeconds: number): string[] => [
  `Before any write: ask the API server about every write${batches.length === 0 ? '' : ', rehearse the gate'}, and probe what works today.`,
  ...(failsafes === undefined
    ? []
    : [
        `Failsafe ports: ${addedFailsafes(failsafes)}. Every Felix restarts once, within about 10 s; what is in force stays in force, but a new connection may need a second try meanwhile.`,
      ]),
  `Sets and policies: ${counted(sets.length, 'object')} and ${policies.length === 1 ? '1 policy' : `${policies.length} policies`}. ${differences.some(({ change }) => change === 'opens') ? 'What they open opens at once; they close nothing.' : batches.length === 0 ? 'They close nothing.' : 'They close nothing yet.'}`,
  ...(batches.length === 0
    ? []
    : [
        adoption === undefined
          ? `The gate: from here on everything closed opens by itself ${windowSeconds} s after the last green round of probes.`
          : `The gate: from here on ours stands before the firewall that is there, and what it closes opens by itself ${windowSeconds} s after the last green round of probes: then that one decides again.`,
        `Network interfaces, one batch after the other, probed after each: ${batches.map(({ title, nodes }) => (nodes.length <= 4 && nodes.length > 1 ? listed(nodes) : title)).join('; then ')}.`,
      ]),
  ...(narrowing === undefined
    ? []
    : [
        `Failsafes get narrower${narrowing.trial === undefined ? '' : `, on ${narrowing.trial.node} first`}: every Felix restarts once more and is awaited. Until you keep it, the gate opens these ports too.`,
      ]),
  ...(batches.length > 0 || finish.remove.length + finish.write.length === 0
    ? []
    : ['Delete what falls away: objects of nodes, interfaces and addresses that are gone.']),
  ...(batches.length === 0
    ? []
    : adoption === undefined
      ? ['Your word: keep it, or what it closed opens again.']
      : [
          'Your word: keep it, or what was there is in force again.',
          `Once you keep it: delete ${namesOf([...adoption.hostEndpoints, ...adoption.policies])}; rollback brings them back.${adoption.staying.length === 0 ? '' : ` ${namesOf(adoption.staying)} also ${adoption.staying.length === 1 ? 'governs' : 'govern'} other things, and ${adoption.staying.length === 1 ? 'stays' : 'stay'}.`}`,
        ]),
]

const namesOf = (objects: readonly KubeObject[]): string =>
  shortened(
    objects.map((object) => formatRef(refOf(object))),
    12,
  )

/** `7443/tcp inbound and outbound (API endpoint 192.168.218.189:7443)`; where a reason came from stands in `plan -o json`. */
const addedFailsafes = ({ added }: NonNullable<Plan['failsafes']>): string => {
  const directions = new Map<string, string[]>()
  for (const { direction, port, reason } of added) {
    const key = `${port.port}/${port.protocol.toLowerCase()} DIRECTION (${reason.replace(/ \(.*$/s, '')})`
    directions.set(key, [...(directions.get(key) ?? []), direction])
  }
  return [...directions].map(([key, names]) => key.replace('DIRECTION', listed(names))).join(', ')
}

const wayBack = ({ batches, adoption }: Plan, windowSeconds: number): string[] => [
  batches.length === 0
    ? 'Nothing closes. A red probe or Ctrl-C puts everything back.'
    : adoption === undefined
      ? `A red probe, Ctrl-C or a "no" opens the cluster at once and puts everything back.`
      : `A red probe, Ctrl-C or a "no" gives way to the firewall that is there now, at once, and puts everything back.`,
  ...(batches.length === 0
    ? []
    : [
        `If this machine dies, sleeps or loses its way to the API, Kubernetes opens ${shortened(batches.flatMap(({ nodes }) => nodes))} by itself within ${windowSeconds} s${adoption === undefined ? '' : ', to what the firewall that is there now lets in'}.`,
      ]),
  'Undo it later: kubectl calico-fw rollback. Open everything at once: kubectl calico-fw open.',
]
