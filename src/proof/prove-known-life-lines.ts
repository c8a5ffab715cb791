import { failsafeAccepts } from '../calico/failsafes.ts'
import { FwError } from '../errors.ts'
import type { Facts } from '../firewall/facts.ts'
import type { Plan } from '../firewall/plan.ts'
import type { Verdict } from '../verdict/model.ts'
import { createVerdicts } from '../verdict/verdicts.ts'
import { worldOf } from '../verdict/world.ts'
import { knownLifeLines } from './known-life-lines.ts'
import type { LifeLine, ProofRefusal } from './life-line.ts'
import { failsafesAfter, isHostEndpoint, planStates } from './plan-states.ts'

/** What the check found. */
export interface KnownLifeLinesResult {
  /** Not the full proof: life lines nobody thought of, or the cluster does not tell, are not in it. */
  readonly scope: 'known life lines'
  /** One per flow, in the first state that cuts it. Empty: the plan may go ahead. */
  readonly refusals: readonly ProofRefusal[]
  /** Verdicts taken. */
  readonly checked: number
  /** Flows the model could not decide before the first write, and no state denies: shown, not counted as proved. */
  readonly undecided: readonly { readonly flow: string; readonly why: string }[]
}

/**
 * Checks that no state a rollout can stand in cuts a life line known today which worked before. It stands in for the full proof, and says so.
 * A flow that was allowed must stay allowed; "unknown" is no proof and refuses too.
 */
export const proveKnownLifeLines = ({ facts, plan }: { readonly facts: Facts; readonly plan: Plan }): KnownLifeLinesResult => {
  const lines = knownLifeLines(facts, plan.firewall)
  const before = createVerdicts(worldOf(facts))
  const baseline = new Map(lines.map((line) => [line, before(line.connection)]))
  const refused = new Map<LifeLine, ProofRefusal>()
  let checked = lines.length
  for (const { name, world, changed } of planStates(facts, plan)) {
    const verdict = createVerdicts(world)
    for (const line of lines.filter((one) => isAffected(one, changed) && baseline.get(one)?.action !== 'deny')) {
      if (refused.has(line)) continue
      checked++
      const now = verdict(line.connection)
      if (now.action === 'allow' || now.action === baseline.get(line)?.action) continue
      refused.set(line, { flow: line.title, state: name, rule: ruleOf(now), why: line.why, remedy: line.remedy })
    }
  }
  const undecided = lines.flatMap((line) => {
    const was = baseline.get(line)
    return was?.action === 'unknown' && !refused.has(line) ? [{ flow: line.title, why: ruleOf(was) }] : []
  })
  return { scope: 'known life lines', refusals: [...missingFailsafes(facts, plan), ...refused.values()], checked, undecided }
}

/** A proof that found something, as the error that ends the run before its first write. */
export const proofError = (refusals: readonly ProofRefusal[]): FwError => {
  const [first] = refusals
  const more = refusals.length > 1 ? ` (and ${refusals.length - 1} more)` : ''
  return new FwError('FW_PROOF', `the plan would cut ${first?.flow ?? 'a life line'}${more}`, {
    why: `in the state "${first?.state}": ${first?.rule}; ${first?.why}`,
    ...(first === undefined ? {} : { fix: first.remedy }),
  })
}

const isAffected = ({ nodes }: LifeLine, changed: readonly string[] | undefined): boolean =>
  changed === undefined || nodes.length === 0 || nodes.some((node) => changed.includes(node))

/** The last decision: the one that denied, or what the model would have to know. */
const ruleOf = ({ decisions }: Verdict): string => {
  const last = decisions.at(-1)
  return last === undefined ? 'nothing decides it' : `${last.node === '' ? '' : `on ${last.node}: `}${last.text}`
}

/**
 * Felix needs a fresh connection whenever its balancer or the API server restarts: closed out, it keeps its rules and hears of no opening any
 * more. Its ports, and every API endpoint's, must be effective inbound failsafes for everyone on the nodes that hold them.
 */
const missingFailsafes = (facts: Facts, plan: Plan): ProofRefusal[] => {
  const protectedNodes = new Set(
    [...facts.hostEndpoints, ...plan.batches.flatMap(({ hostEndpoints }) => hostEndpoints)].filter(isHostEndpoint).map(({ spec }) => spec.node),
  )
  const controlPlane = facts.nodes.filter((node) => node.controlPlane).map(({ name }) => name)
  const lists = failsafesAfter(facts, plan)
  const peers = new Map([...facts.apiEndpoints, ...facts.felixPeers].map((peer) => [`${peer.address}:${peer.port}`, peer]))
  return [...peers].flatMap(([where, { address, port, node }]) =>
    (node === undefined ? controlPlane : [node])
      .filter((name) => protectedNodes.has(name))
      .flatMap((name) => {
        const inbound = lists[name]?.inbound
        const open = inbound?.ports.filter(({ net }) => !net) ?? []
        if (failsafeAccepts(open, 'TCP', port, address)) return []
        const source = inbound?.source
        const isOurs = source === undefined || source.kind === 'default' || (source.kind === 'felixconfiguration' && source.name === 'default')
        const holder =
          source?.kind === 'environment'
            ? `environment variable ${source.variable} of calico-node`
            : `FelixConfiguration ${source?.kind === 'felixconfiguration' ? source.name : 'default'}`
        return [
          {
            flow: `Felix, Typha and API clients -> ${where}`,
            state: 'before anything closes',
            rule: `${port}/tcp is no inbound failsafe for everyone on ${name}: ${holder} decides there`,
            why: 'a Felix that cannot reconnect keeps the node closed after the gate has opened',
            remedy: isOurs
              ? `add {protocol: TCP, port: ${port}} to spec.extraFailsafePorts.inbound`
              : `add ${port}/tcp, without a net, to the inbound failsafes in ${holder}`,
          },
        ]
      }),
  )
}
