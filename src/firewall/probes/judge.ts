import { isReached, type Probe, type ProbeOutcome, type ProbeResult } from './probes.ts'

/** A probe that speaks against going on, or that says nothing, in words. */
interface Finding {
  readonly probe: Probe
  /** What the baseline saw. */
  readonly was: ProbeOutcome
  /** What is seen now. */
  readonly is: ProbeOutcome
  readonly sentence: string
}

/** What a round of probes means. */
export interface Judgement {
  /** Nothing is red. Probes that could not be asked do not make it red or green: they are in `notRun`. */
  readonly green: boolean
  /** What worked and no longer does, and what should be closed and is not. */
  readonly red: readonly Finding[]
  /** Asked nothing, before and now: shown, never counted as passed. */
  readonly notRun: readonly Finding[]
  /** Did not work before either, so nothing of ours broke it. */
  readonly alreadyFailing: readonly Finding[]
  /** Should be closed and is silent, but was silent before: nobody listened, or something else guards it. Proves nothing. */
  readonly unproven: readonly Finding[]
}

/** How many of these probes are green: what could not be asked, failed before, or was silent before shows nothing. */
export const greenOf = ({ red, notRun, alreadyFailing, unproven }: Omit<Judgement, 'green'>, of: number): number =>
  of - red.length - notRun.length - alreadyFailing.length - unproven.length

/** What {@link judge} needs. */
export interface Evidence {
  readonly probes: readonly Probe[]
  /** From before the first write. */
  readonly baseline: readonly ProbeResult[]
  readonly results: readonly ProbeResult[]
  /** Nodes whose `closed` probes are demanded. */
  readonly closedNodes: readonly string[]
}

type Verdict = keyof Omit<Judgement, 'green'> | 'fine'

/**
 * Only what worked before must work after, and what should be closed must be seen closed.
 *
 * `open`: `ok` stays `ok`. A refused TCP connection means the host answered with nobody listening: it was reached, but what listened there
 * is gone or something rejects, so `ok` to `refused` is a regression like silence is. What was `ok` and can no longer be asked is red too:
 * not knowing is no proof.
 *
 * `closed`: only silence counts. Calico denies preDNAT by DROP (felix/rules: the mangle table has no REJECT), so a refusal or an ICMP error
 * is somebody else's answer and shows that the packet came through. A probe without a node is demanded as soon as any node is closed.
 */
export const judge = ({ probes, baseline, results, closedNodes }: Evidence): Judgement => {
  const [before, after] = [byId(baseline), byId(results)]
  const closed = new Set(closedNodes)
  const lists: Record<Exclude<Verdict, 'fine'>, Finding[]> = { red: [], notRun: [], alreadyFailing: [], unproven: [] }
  for (const probe of probes) {
    const [was, is] = [before.get(probe.id)?.outcome ?? 'not-run', after.get(probe.id)?.outcome ?? 'not-run']
    const verdict = probe.expect === 'open' ? openVerdict(was, is) : isDemanded(probe, closed) ? closedVerdict(was, is) : 'fine'
    if (verdict === 'fine') continue
    const detail = after.get(probe.id)?.detail ?? before.get(probe.id)?.detail
    lists[verdict].push({ probe, was, is, sentence: sentenceOf(verdict, probe, was, is, detail) })
  }
  return { green: lists.red.length === 0, ...lists }
}

const openVerdict = (was: ProbeOutcome, is: ProbeOutcome): Verdict => {
  if (is === 'ok') return 'fine'
  if (was === 'ok') return 'red'
  return is === 'not-run' ? 'notRun' : 'alreadyFailing'
}

const closedVerdict = (was: ProbeOutcome, is: ProbeOutcome): Verdict => {
  if (is === 'not-run') return 'notRun'
  if (is === 'timeout') return isReached(was) ? 'fine' : 'unproven'
  return is === 'failed' && was === 'failed' ? 'unproven' : 'red'
}

const isDemanded = (probe: Probe, closed: ReadonlySet<string>): boolean => (probe.node === undefined ? closed.size > 0 : closed.has(probe.node))

const byId = (results: readonly ProbeResult[]): ReadonlyMap<string, ProbeResult> => new Map(results.map((result) => [result.id, result]))

const inWords: Readonly<Record<ProbeOutcome, string>> = {
  ok: 'answered',
  refused: 'was refused',
  timeout: 'was silent',
  failed: 'failed',
  'not-run': 'was not asked',
}

const nowInWords: Readonly<Record<ProbeOutcome, string>> = {
  ok: 'answers',
  refused: 'is refused',
  timeout: 'is silent',
  failed: 'fails',
  'not-run': 'cannot be asked',
}

const sentenceOf = (verdict: Exclude<Verdict, 'fine'>, probe: Probe, was: ProbeOutcome, is: ProbeOutcome, detail: string | undefined): string => {
  const because = detail === undefined ? '' : ` (${detail})`
  switch (verdict) {
    case 'red':
      return probe.expect === 'open'
        ? `${probe.title} ${inWords[was]} before and ${nowInWords[is]} now${because}`
        : `${probe.title} should be closed and ${nowInWords[is]}${because}`
    case 'notRun':
      return `${probe.title} is not looked at${because}`
    case 'alreadyFailing':
      return `${probe.title} ${inWords[was]} before${was === 'not-run' ? '' : ' already'} and ${nowInWords[is]} now${because}`
    case 'unproven':
      return `${probe.title} ${nowInWords[is]}, as it was before: that shows nothing of the firewall`
  }
}
