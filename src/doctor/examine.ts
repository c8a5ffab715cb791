import type { Facts } from '../firewall/facts/facts.ts'
import { apiChecks } from './api.ts'
import { calicoChecks } from './calico.ts'
import { type Check, type CheckResult, categories } from './check.ts'
import { componentChecks } from './components.ts'
import { failsafeChecks } from './failsafes.ts'
import { gateChecks } from './gate.ts'
import { hostEndpointChecks } from './host-endpoints.ts'
import { interfaceChecks } from './interfaces.ts'
import { kubeProxyChecks } from './kube-proxy.ts'
import { nodePortChecks } from './node-ports.ts'
import { orphanChecks } from './orphans.ts'
import { ownerChecks } from './owners.ts'
import { policyChecks } from './policies.ts'

/** Every check there is, by category and id. */
export const allChecks: readonly Check[] = [
  ...apiChecks,
  ...calicoChecks,
  ...interfaceChecks,
  ...failsafeChecks,
  ...hostEndpointChecks,
  ...policyChecks,
  ...orphanChecks,
  ...nodePortChecks,
  ...kubeProxyChecks,
  ...ownerChecks,
  ...componentChecks,
  ...gateChecks,
].sort((one, other) => categories.indexOf(one.category) - categories.indexOf(other.category) || (one.id < other.id ? -1 : 1))

/** Asks every check. */
export const examine = (facts: Facts, checks: readonly Check[] = allChecks): CheckResult[] =>
  checks.map(({ id, category, title, look }) => {
    const findings = look(facts)
    const outcome = findings.some(({ severity }) => severity === 'error') ? 'error' : findings.length > 0 ? 'warning' : 'ok'
    return { id, category, title, outcome, findings }
  })
