import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { findBinaries } from './binaries.ts'
import { describe } from './describe.ts'
import { becomeNode, plugInNext } from './grow.ts'
import { down, openLab } from './lab.ts'
import { hostNamed, vantages } from './layout.ts'
import { requireMachine } from './machine/requirements.ts'
import { pause } from './machine/run.ts'
import { defaultDir, stateDir } from './machine/state.ts'
import { parseVariant, variantName } from './options.ts'
import { probeTimeoutMs } from './packets/agent-client.ts'
import { tooLong } from './packets/cuts.ts'
import { allLifeLines, renderTimeline, watchLifeLines } from './packets/life-lines.ts'
import { formatTarget, parseTarget } from './packets/protocol.ts'
import { homePackets, renderTable, send } from './packets/table.ts'
import { builtControlPlane, namespacePrefix } from './place.ts'
import { up } from './up.ts'

const usage = `usage: npm run lab -- COMMAND
  build                              build the control plane (needs Go)
  up [--shape home|ha|two-nic|dual|odd-port] [--nodes 2-5] [--proxy iptables|nftables] [--felix legacy|nft|native] [--flavour native|aggregated|storage] [--typha]
  join [NAME]                        the home cluster's next machine becomes a node: ws3 beside three nodes
  down                               stop and delete everything the lab made
  status                             what runs, and how much memory it takes
  probe FROM TARGET...               fresh connections; TARGET is 192.168.218.174:22, ...:9100/udp or 192.168.218.174/icmp
  table                              every place to every port that matters, by fresh connections
  watch [--seconds 60] [--max-cut 3] life lines between all nodes and pods; exit 1 where one is cut for longer
  shell PLACE                        a shell there (a node's shell is inside its sandbox); KUBECONFIG is set
  exec PLACE COMMAND [ARGUMENT...]   one program there
  kubectl ARGUMENT...                kubectl from the operator's host`

const state = stateDir(defaultDir(process.env))
const prefix = namespacePrefix(process.env)
const controlPlane = builtControlPlane(process.env)
const say = (text: string) => process.stderr.write(`${text}\n`)

const inPlace = (place: string, argv: readonly string[]): number => {
  const lab = openLab(state)
  const onNode = lab.layout.nodes.some((node) => node.name === place)
  const env = {
    ...process.env,
    KUBECONFIG: state.at('pki', onNode ? 'admin.kubeconfig' : 'vip.kubeconfig'),
    PATH: `${process.env['PATH']}:${lab.binaries.controlPlane}`,
  }
  const [program = '', ...rest] = lab.argvIn(place, argv)
  return spawnSync(program, rest, { stdio: 'inherit', env }).status ?? 1
}

const probe = async ([from = '', ...texts]: readonly string[]): Promise<number> => {
  const lab = openLab(state)
  const place = hostNamed(lab.layout, from)
  const targets = texts.map(parseTarget)
  const answers = await lab.agent(place.name).probe(targets, probeTimeoutMs)
  process.stdout.write(targets.map((target, index) => `${from} -> ${formatTarget(target)}\t${answers[index]}\n`).join(''))
  return 0
}

const watch = async (args: readonly string[]): Promise<number> => {
  const { values } = parseArgs({
    args: [...args],
    options: { seconds: { type: 'string', default: '60' }, 'max-cut': { type: 'string', default: '3' } },
  })
  const lab = openLab(state)
  const running = await watchLifeLines(lab, allLifeLines(lab), {}, ({ id, answer }) => say(`${new Date().toISOString()}  ${id}  ${answer}`))
  await pause(Number(values.seconds) * 1000)
  const timeline = await running.stop()
  process.stdout.write(renderTimeline(timeline))
  return tooLong(timeline, Number(values['max-cut']) * 1000).length === 0 ? 0 : 1
}

const join = async (name: string | undefined): Promise<number> => {
  const { lab, node } = await plugInNext(state, name)
  say(`${node.name}: on the wire`)
  await becomeNode(lab, node)
  say(`${node.name}: a node, with a pod`)
  lab.api.close()
  return 0
}

const command = async ([verb, ...args]: readonly string[]): Promise<number> => {
  switch (verb) {
    case 'build':
      return spawnSync('sh', [fileURLToPath(new URL('./controlplane/build.sh', import.meta.url)), controlPlane], { stdio: 'inherit' }).status ?? 1
    case 'up': {
      requireMachine(process.platform, process.getuid?.())
      const variant = parseVariant(args)
      const binaries = findBinaries(process.env, controlPlane)
      say(
        `${variantName(variant)}${binaries.felix === undefined ? ' (no CALICO_FELIX: nodes have no host firewall)' : ''}${binaries.crds === undefined ? ' (no CALICO_CRDS: the cluster knows no Calico objects)' : ''}`,
      )
      const lab = await up(state, variant, binaries, prefix, (stage, ms) => say(`${(ms / 1000).toFixed(1).padStart(6)} s  ${stage}`))
      lab.api.close()
      say(
        `places: ${vantages(lab.layout)
          .map((host) => host.name)
          .join(' ')}`,
      )
      return 0
    }
    case 'join':
      return join(args[0])
    case 'down': {
      const began = performance.now()
      await down(state)
      say(`down in ${((performance.now() - began) / 1000).toFixed(1)} s`)
      return 0
    }
    case 'status':
      process.stdout.write(describe(openLab(state)))
      return 0
    case 'probe':
      return probe(args)
    case 'table': {
      const lab = openLab(state)
      process.stdout.write(renderTable(await send(lab, homePackets(lab.layout))))
      return 0
    }
    case 'watch':
      return watch(args)
    case 'shell':
      return inPlace(args[0] ?? '', ['bash', '-i'])
    case 'exec':
      return inPlace(args[0] ?? '', args.slice(1))
    case 'kubectl':
      return inPlace('adm', ['kubectl', ...args])
    default:
      say(usage)
      return 2
  }
}

command(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    say(error instanceof Error ? error.message : String(error))
    if (process.env['LAB_DEBUG'] && error instanceof Error) say(String(error.stack))
    // What else is under way belongs to the part that failed.
    process.exit(1)
  },
)
