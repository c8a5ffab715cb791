import type { FailsafeSource } from '../calico/failsafes.ts'
import { isOurs, names } from '../calico/names.ts'
import type { Connection, Decision, Verdict, World } from './model.ts'
import { protocolNumber, protocols } from './packet.ts'

/** What to change where a verdict is not the one wanted: the rule that decided, and how to reach it. */
export const adviceFor = (world: World, connection: Connection, verdict: Verdict): string => {
  const last = deciding(verdict)
  if (last === undefined) return 'nothing in the cluster decides this'
  if (verdict.action === 'unknown') return `what decides is not told: ${last.text.replace(/^unknown: /, '')}`
  if (last.policy !== undefined) return policyAdvice(world, connection, verdict, last.policy, last)
  switch (last.stage) {
    case 'profile':
      return verdict.action === 'deny'
        ? `give the HostEndpoint of ${last.node} profiles: [${names.defaultAllowProfile}], or allow it in a policy`
        : 'a policy that governs this direction would decide instead of the profile: kubectl calico-fw init'
    case 'failsafe':
      return `only ${sourceOf(world, last)} can close it: no policy comes before a failsafe`
    case 'service':
      return 'the Service decides, no policy: look at its endpoints and its externalTrafficPolicy'
    case 'route':
      return verdict.action === 'allow'
        ? `nothing of Calico's closes it on ${last.node || 'the way'}: kubectl calico-fw init closes nodes`
        : last.text
    default:
      return `no rule allows it before ${last.text}: add one, or open it with kubectl calico-fw`
  }
}

/** The last decision that was somebody's: after an Allow the packet only travels on. */
const deciding = ({ decisions, action }: Verdict): Decision | undefined =>
  action === 'allow'
    ? (decisions.findLast(({ policy, stage }) => policy !== undefined || stage === 'failsafe' || stage === 'profile') ?? decisions.at(-1))
    : decisions.at(-1)

const policyAdvice = (world: World, connection: Connection, { action }: Verdict, name: string, { rule, text }: Decision): string => {
  const policy = world.policies.find(({ metadata }) => metadata.name === name)
  const own = policy !== undefined && isOurs(policy)
  const where = `rule ${/(ingress|egress)\[\d+\]/.exec(text)?.[0] ?? rule} of GlobalNetworkPolicy ${name}`
  if (!own) return `${where} decides: kubectl edit globalnetworkpolicy ${name}`
  if (action === 'allow') return `${where} lets it in, as the file says: kubectl calico-fw plan shows by which entry`
  const { destination, port, source, protocol } = connection
  const transport = protocolNumber(protocol) === protocols.udp ? 'udp' : 'tcp'
  if (port === undefined) return `${where} closes what the file does not open: trust ${source} in spec.trustedNets to let it in`
  return `${where} closes what the file does not open: kubectl calico-fw add-vip ${destination} --port ${port}/${transport} --from ${source}/${source.includes(':') ? 128 : 32}`
}

const sourceOf = ({ failsafes }: World, { node, text }: Decision): string => {
  const lists = failsafes[node]
  const list = text.startsWith('an outbound') ? lists?.outbound : lists?.inbound
  return list === undefined ? 'the failsafe list' : `the failsafe list of ${sourceText(list.source)}`
}

const sourceText = (source: FailsafeSource): string => {
  switch (source.kind) {
    case 'environment':
      return `environment variable ${source.variable} of calico-node`
    case 'felixconfiguration':
      return `FelixConfiguration ${source.name}`
    case 'default':
      return 'Felix’s defaults (FelixConfiguration default is silent)'
  }
}
