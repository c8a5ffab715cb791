import { resourceOf, v3 } from '../calico/resources.ts'
import type { GlobalNetworkPolicy, HostEndpoint, Tier } from '../calico/shapes.ts'
import type { Api } from '../cluster/api.ts'
import { createApi } from '../cluster/create-api.ts'
import { type ConnectionFlags, parseRequestTimeout } from '../cluster/kubeconfig/connection-flags.ts'
import { resolveKubeconfig } from '../cluster/kubeconfig/resolve-kubeconfig.ts'
import { createHostPodShell } from '../cluster/pods/host-pod.ts'
import { nodeShell } from '../cluster/pods/node-shell.ts'
import { probeApi } from '../cluster/pods/probe-api.ts'
import { withStoredCalico } from '../cluster/stored-api.ts'
import { connect } from '../cluster/transport/connect.ts'
import type { Connection } from '../cluster/transport/connection.ts'
import { proxyFor } from '../cluster/transport/proxy-choice.ts'
import { type DiscoveryContext, discover } from '../discovery/discover.ts'
import { findOperatorAddresses } from '../discovery/operator-address.ts'
import type { ExitCode } from '../exit-codes.ts'
import type { Facts } from '../firewall/facts/facts.ts'
import { isAddress, parseAddress } from '../net/address.ts'
import { followFromNodes } from '../probe/follow-nodes.ts'
import { createFreshApi } from '../probe/fresh-api.ts'
import { createProber } from '../probe/prober.ts'
import { createRealised } from '../probe/realised.ts'
import { trustOf } from '../probe/trust.ts'
import { type ForeignDanger, foreignDangers } from '../proof/foreign-dangers.ts'
import type { ProbeRunner } from '../rollout/ports.ts'
import { createJournal } from '../store/journal.ts'
import { stateDirectory } from '../store/state-directory.ts'
import { createLinePrompter } from '../ui/line-prompts.ts'
import { noPrompter } from '../ui/no-prompter.ts'
import type { Prompter } from '../ui/prompter.ts'
import { createPrompter } from '../ui/prompts.ts'
import { themeFor } from '../ui/theme.ts'
import { version } from '../version.ts'
import type { Cluster, CommandContext, Context, OutputFormat } from './context.ts'
import { parseVerbosity } from './flags.ts'
import { createPrinter } from './printer.ts'
import { commandLineOf } from './shell-word.ts'

/** Flags every command on a cluster has besides its connection. */
export interface SessionFlags {
  readonly format: OutputFormat
  /** `-v`: from 6 on every request is told on stderr, as in kubectl. */
  readonly verbosity?: string
}

/**
 * Connects, runs a command on the cluster, and closes what is open.
 * @throws FwError FW_KUBECONFIG, FW_USAGE, and whatever the command throws
 */
export const withCluster = async (
  context: Context,
  flags: ConnectionFlags,
  { format, verbosity }: SessionFlags,
  work: (command: CommandContext) => Promise<ExitCode>,
): Promise<ExitCode> => {
  const { workstation, who } = context
  const printer = createPrinter(context, format)
  const level = parseVerbosity(verbosity)
  parseRequestTimeout(flags.requestTimeout)
  const resolved = resolveKubeconfig(flags, workstation)
  for (const notice of resolved.notices) printer.talk(`note: ${notice}`)
  const connection = connect(resolved, workstation, {
    openSocket: context.openSocket,
    userAgent: `kubectl-calico-fw/${version}`,
    ...(level >= 6 ? { onExchange: ({ method, url, status }) => printer.talk(`${method} ${url} ${status ?? 'no answer'}`) } : {}),
  })
  const cluster = clusterOf(context, connection)
  const journal = createJournal({ directory: stateDirectory(workstation.env) })
  const holder = `${who.user}@${who.host}/${who.pid}-${context.random()}`
  const commandLine = commandLineOf(context.argv)
  try {
    return await work({
      context,
      cluster,
      ui: prompterFor(context),
      printer,
      journal,
      holder,
      commandLine,
      ports: (facts, view) => {
        const vantage = vantageOn(cluster, context, facts)
        return {
          api: cluster.api,
          clock: context.clock,
          prober: patient(
            createProber({
              api: cluster.api,
              probeApi: cluster.probeApi,
              openSocket: context.openSocket,
              clock: context.clock,
              trust: trustOf(resolved, workstation),
              ...(vantage === undefined ? {} : { nodes: vantage.forProbes }),
              calicoNode: { namespace: facts.calico.namespace, labels: facts.calico.nodePodLabels },
            }),
            context.patience ?? ((ms) => ms),
          ),
          ...(vantage === undefined
            ? {}
            : {
                ...createRealised({ api: cluster.api, shell: vantage.forLooks, facts }),
                follow: (probes, each, signal) => followFromNodes({ vantage: vantage.forProbes, clock: context.clock }, probes, each, signal),
              }),
          journal,
          holder,
          command: commandLine,
          dangers: (hostEndpoints) => dangersNow(cluster.api, hostEndpoints),
          ...view,
        }
      },
    })
  } finally {
    cluster.close()
  }
}

/** How the nodes of a run are looked into and asked from: by exec, else by short pods, which a run may start because it writes anyway. */
const vantageOn = ({ api, runInPod }: Cluster, { clock, random }: Context, { nodes }: Facts) => {
  if (runInPod === undefined) return undefined
  const shell = (netAdmin: boolean) => nodeShell(runInPod, createHostPodShell({ api, clock, random, netAdmin }))
  return { forProbes: { shell: shell(false), nodes }, forLooks: shell(true) }
}

/** Foreign objects that make these HostEndpoints dangerous, read at this moment. */
const dangersNow = async (api: Api, plannedHostEndpoints: Parameters<typeof foreignDangers>[0]['plannedHostEndpoints']): Promise<ForeignDanger[]> => {
  const [policies, hostEndpoints, tiers] = await Promise.all(
    ['GlobalNetworkPolicy', 'HostEndpoint', 'Tier'].map(async (kind) => (await api.list(resourceOf(v3, kind))) ?? []),
  )
  return foreignDangers({
    plannedHostEndpoints,
    policies: policies as GlobalNetworkPolicy[],
    hostEndpoints: hostEndpoints as HostEndpoint[],
    tiers: tiers as Tier[],
  })
}

/** Probes with another patience. */
const patient = (prober: ProbeRunner, patience: NonNullable<Context['patience']>): ProbeRunner => ({
  run: (probes, options) => {
    const expect = probes.every((one) => one.expect === 'closed') ? 'closed' : 'open'
    return prober.run(probes, { ...options, ...(options.timeoutMs === undefined ? {} : { timeoutMs: patience(options.timeoutMs, expect) }) })
  },
})

const clusterOf = (context: Context, connection: Connection): Cluster => {
  const { resolved } = connection
  const api = withStoredCalico(createApi(connection))
  const { execInPod, pretendsNodes } = context
  const runInPod: Pick<Cluster, 'runInPod'> = execInPod === undefined ? {} : { runInPod: (command) => execInPod(connection, command) }
  return {
    api,
    ...runInPod,
    probeApi: createFreshApi(connection),
    contextName: resolved.context,
    server: resolved.server.href.replace(/\/$/, ''),
    facts: ({ brokenFailsafes = 'throw', mayStartPods = false, looks } = {}): Promise<Facts> =>
      discover(api, {
        contextName: resolved.context,
        server: resolved.server.href,
        operator: operatorOf(context, resolved),
        now: () => context.clock.wall(),
        lookup: context.lookup,
        brokenFailsafes,
        ...(looks === undefined ? {} : { inspectLimit: looks }),
        ...runInPod,
        ...(pretendsNodes === undefined ? {} : { pretendsNodes }),
        ...(mayStartPods && execInPod !== undefined
          ? { runInHostPod: createHostPodShell({ api, clock: context.clock, random: context.random, netAdmin: true }) }
          : {}),
        operatorAddresses: (towards) =>
          findOperatorAddresses(
            { ...context.network, connectionAddress: async () => (await probeApi(connection, { timeoutMs: 5_000 })).localAddress },
            towards,
          ),
      }),
    close: () => connection.close(),
  }
}

/** What this machine itself knows of the way between: a proxy, a tunnel that ends here, and an SSH session it is the far end of. */
const operatorOf = ({ workstation: { env } }: Context, { server, cluster }: Connection['resolved']): NonNullable<DiscoveryContext['operator']> => {
  const client = env['SSH_CONNECTION']?.split(' ')[0] ?? ''
  const isHere = /^(localhost|127\.|\[?::1)/.test(server.hostname)
  return {
    via: proxyFor(server, cluster['proxy-url'], env) !== undefined ? 'proxy' : isHere ? 'tunnel' : 'direct',
    ...(isAddress(client) ? { jumpedFrom: parseAddress(client) } : {}),
  }
}

/** Somebody to ask: a script where one is given, the terminal where there is one on both ends, else nobody. */
const prompterFor = ({ prompter, stdin, stderr, workstation }: Context): Prompter => {
  if (prompter !== undefined) return prompter
  if (stdin.isTTY !== true) return noPrompter('standard input is no terminal')
  if (stderr.isTTY !== true) return noPrompter('standard error is no terminal')
  if (workstation.env['TERM'] === 'dumb') return createLinePrompter({ input: stdin, output: stderr })
  return createPrompter({ input: stdin, output: stderr, theme: themeFor(stderr, workstation.env) })
}
