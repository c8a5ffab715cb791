import { basename } from 'node:path'
import type { NodeHost } from '../layout.ts'
import { inNamespace } from '../machine/namespaces.ts'
import { membersOf, type ProcessFacts, signal, startRecorded } from '../machine/processes.ts'
import { until } from '../machine/run.ts'
import { inSandbox, type Sandbox } from '../machine/sandbox.ts'
import type { RecordedProcess } from '../machine/state.ts'
import type { Variant } from '../options.ts'
import { agentOf } from '../packets/agents.ts'
import type { ClusterContext } from './control-plane.ts'
import { felixGroup } from './crds.ts'

const readinessUrl = 'http://127.0.0.1:9099/readiness'
/** Felix exits with 129 when its configuration changed, and whoever runs it starts it again, at once and for ever. */
const supervise = 'while :; do "$@"; echo "felix ended with $?"; sleep 1; done'

/** Felix's environment: what the operator's DaemonSet gives it, and what keeps it inside the lab. What a test changes by FelixConfiguration is not set here, for the environment wins. */
export const felixEnvironment = (flavour: Variant['flavour']): Readonly<Record<string, string>> => ({
  FELIX_DATASTORETYPE: 'kubernetes',
  DATASTORE_TYPE: 'kubernetes',
  USE_POD_CIDR: 'true',
  CALICO_API_GROUP: felixGroup(flavour),
  FELIX_DEFAULTENDPOINTTOHOSTACTION: 'ACCEPT',
  FELIX_HEALTHENABLED: 'true',
  FELIX_PROMETHEUSMETRICSENABLED: 'true',
  FELIX_LOGSEVERITYSCREEN: 'Info',
  FELIX_LOGFILEPATH: 'none',
  // It would call out to the internet.
  FELIX_USAGEREPORTINGENABLED: 'false',
  FELIX_XDPENABLED: 'false',
  // This one is read by its exact case. Felix would run bpftool to clean up after a dataplane that was never here.
  FELIX_DebugSkipCTLBCleanup: 'true',
})

/** Typha's port: a default failsafe. */
export const typhaPort = 5473

/** Starts Typha on the first node, where a Felix of every node finds it. */
export const startTypha = ({ state, binaries }: ClusterContext, node: NodeHost, { flavour }: Variant): void => {
  if (binaries.typha === undefined) throw new Error('--typha needs CALICO_TYPHA')
  startRecorded(state, 'typha', inNamespace(node.namespace, [binaries.typha]), {
    ...process.env,
    KUBECONFIG: state.at('pki', 'calico-local.kubeconfig'),
    DATASTORE_TYPE: 'kubernetes',
    TYPHA_DATASTORETYPE: 'kubernetes',
    // As Felix has it: a Typha that reads tunnel addresses otherwise would have every Felix start anew for ever.
    USE_POD_CIDR: 'true',
    CALICO_API_GROUP: felixGroup(flavour),
    TYPHA_LOGSEVERITYSCREEN: 'info',
    TYPHA_LOGFILEPATH: 'none',
    TYPHA_HEALTHENABLED: 'true',
    TYPHA_HEALTHPORT: '9098',
    // One Typha for any number of Felixes.
    TYPHA_CONNECTIONREBALANCINGMODE: 'none',
  })
}

/** Starts Felix on a node, supervised. */
export const startFelix = ({ state, binaries, layout }: ClusterContext, node: NodeHost, sandbox: Sandbox, variant: Variant): void => {
  if (binaries.felix === undefined) return
  const env = {
    ...felixEnvironment(variant.flavour),
    KUBECONFIG: state.at('pki', 'calico.kubeconfig'),
    FELIX_FELIXHOSTNAME: node.fqdn,
    NODENAME: node.fqdn,
    ...(variant.typha === true ? { FELIX_TYPHAADDR: `${layout.nodes[0]?.address}:${typhaPort}` } : {}),
  }
  startRecorded(state, `felix-${node.name}`, inSandbox(sandbox, ['bash', '-c', supervise, 'felix', ...commandOf(binaries.felix)]), {
    ...process.env,
    ...env,
  })
}

/** Whether Felix on the node says it has programmed what it knows; it answers on the node's own loopback. */
export const felixIsReady = async ({ state }: ClusterContext, node: NodeHost): Promise<boolean> =>
  (await agentOf(state, node.name).get(readinessUrl, 1000)).status === 200

/** Waits until it says so. */
export const felixReady = (context: ClusterContext, node: NodeHost): Promise<unknown> =>
  until(`Felix on ${node.name}`, () => felixIsReady(context, node), 90_000, 100)

/** In Calico's image Felix is one of the faces of calico-node. */
const commandOf = (program: string): string[] => (basename(program) === 'calico-node' ? [program, '-felix'] : [program])

/** Signals Felix itself, not its supervisor: STOP freezes it and its rules stay, KILL lets the supervisor start it anew. */
export const signalFelix = (supervisor: RecordedProcess, name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL' | 'SIGTERM'): number =>
  signal([supervisor], name, isFelixOf(supervisor))

/** Felix's process id, where it runs. */
export const felixPid = (supervisor: RecordedProcess): number | undefined => membersOf(supervisor).find(isFelixOf(supervisor))?.pid

const isFelixOf = (supervisor: RecordedProcess) => (facts: ProcessFacts) => facts.parent === supervisor.pid && facts.command !== 'sleep'
