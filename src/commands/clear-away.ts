import { keys, names, toolNamespace } from '../calico/names.ts'
import type { Api } from '../cluster/api.ts'
import { clearing } from '../rollout/rollback-steps.ts'
import type { RunConfig } from '../rollout/state.ts'
import type { CommandContext } from './context.ts'
import { exitCodeOf, runSteps } from './run-steps.ts'

const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: toolNamespace, name: names.lock }

/** A client that died before its first checkpoint leaves our namespace and its lock, and nothing else. */
const isLeft = async (api: Api): Promise<boolean> => {
  const namespace = await api.get({ apiVersion: 'v1', kind: 'Namespace', name: toolNamespace })
  if (namespace === undefined || namespace.metadata.deletionTimestamp !== undefined) return false
  return namespace.metadata.annotations?.[keys.keep] === undefined || (await api.get(lease)) !== undefined
}

/** Takes away what is left where no change is in force; tells whether there was anything. */
export const clearAway = async (command: CommandContext, config: RunConfig): Promise<boolean> => {
  const { api, facts } = command.cluster
  if (!(await isLeft(api))) return false
  exitCodeOf(await runSteps(command, { steps: clearing, config, subject: { facts: await facts({ looks: 0 }), probes: [] }, yes: true }))
  return true
}
