import { greenOf, type Judgement } from '../firewall/probes/judge.ts'

/** `36 of 38 probes green, 1 red (ws1 to the kubelet of ws2), 1 not run`: one line of a round of probes. Those not run are never counted as green. */
export const probesInBrief = (judgement: Judgement, of: number): string => {
  const { red, notRun, alreadyFailing, unproven } = judgement
  const rest = [
    red[0] === undefined ? '' : `${red.length} red (${red[0].probe.title}${red.length > 1 ? ' first' : ''})`,
    notRun.length > 0 ? `${notRun.length} not run` : '',
    alreadyFailing.length > 0 ? `${alreadyFailing.length} failing since before` : '',
    unproven.length > 0 ? `${unproven.length} silent as before` : '',
  ].filter((part) => part !== '')
  return [`${greenOf(judgement, of)} of ${of} probes green`, ...rest].join(', ')
}

/** What a round of probes leaves to be known, in sentences; the first `limit` of them, and how many more there are. */
export const probesInDetail = ({ red, notRun, alreadyFailing, unproven }: Judgement, limit: number): string[] => {
  const all = [...red, ...notRun, ...alreadyFailing, ...unproven].map(({ sentence }) => sentence)
  return all.length <= limit ? all : [...all.slice(0, limit - 1), `and ${all.length - limit + 1} more`]
}
