import { keys } from '../calico/names.ts'
import { v3 } from '../calico/resources.ts'
import { FwError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { nothingAccepted } from '../proof/accepted.ts'
import { errorText } from '../ui/error-text.ts'
import type { Question } from '../ui/prompter.ts'
import type { ScriptedAnswer } from '../ui/scripted-prompter.ts'
import { themeFor } from '../ui/theme.ts'
import { run as addVip } from './add-vip.ts'
import type { Context } from './context.ts'
import { type DemoStage, haste, setStage } from './demo-stage.ts'
import { run as init } from './init.ts'
import { run as rollback } from './rollback.ts'
import { withCluster } from './session.ts'
import { run as status } from './status.ts'

/** Flags of `demo`. */
export interface DemoOptions {
  readonly scenario: 'main' | 'lockout' | 'crash'
}

/** What the script answers where there is no terminal: the defaults, and "keep". */
const script = ({ message }: Question): ScriptedAnswer => (message.startsWith('Keep') ? 'keep' : undefined)

/** Plays one story on the built-in cluster. Exit 0 when it ended as it should. */
export const run = async (context: Context, { scenario }: DemoOptions): Promise<ExitCode> => {
  const stage = await setStage(context, script)
  stage.tell('Five nodes with Calico and a network around them run inside this program.')
  stage.tell(`Nothing of yours is touched; time runs ${haste} times as fast.`)
  try {
    return await stories[scenario](stage)
  } finally {
    await stage.close()
  }
}

const main = async (stage: DemoStage): Promise<ExitCode> => {
  showReach(stage, 'Before: who reaches what')
  const code = await play(stage, ['init'], (session) =>
    init(session, { windowSeconds: 90, yes: false, takeOver: false, dryRun: 'none', accepted: nothingAccepted }),
  )
  if (code !== exitCodes.ok || !isClosed(stage)) return code
  showReach(stage, 'Closed: who reaches what')
  const vip = { address: '192.168.218.174', ports: ['31110/tcp'], from: ['192.168.218.53/32'], failsafe: false, yes: true, takeOver: false }
  const words = ['add-vip', vip.address, '--port', '31110/tcp', '--from', '192.168.218.53/32', '--yes']
  await play(stage, words, (session) => addVip(session, vip))
  showReach(stage, 'One NodePort open to one client')
  await play(stage, ['rollback', '--to', '0', '--yes'], (session) => rollback(session, { to: 0, yes: true, windowSeconds: 90 }))
  showReach(stage, 'Rolled back: as before')
  return exitCodes.ok
}

/** Somebody else's policy cuts the ingress in the middle of the run: the probes see it, and everything goes back by itself. */
const lockout = async (stage: DemoStage): Promise<ExitCode> => {
  const before = stage.reach()
  showReach(stage, 'Before: who reaches what')
  const over = new AbortController()
  const sabotage = async (): Promise<boolean> => {
    const inTime = await closedNodes(stage, 2, over.signal)
    if (inTime) stage.simulator.objects.create(intruder)
    return inTime
  }
  const planted = sabotage()
  const code = await play(stage, ['init'], (session) =>
    init(session, { windowSeconds: 90, yes: true, takeOver: false, nodePorts: 'close', dryRun: 'none', accepted: nothingAccepted }),
  )
  over.abort()
  if (!(await planted)) return endedEarly(stage)
  stage.tell('\nIn the middle of the run somebody applied GlobalNetworkPolicy intruder, which drops everything at the nodes.')
  stage.tell('A probe saw it; the run opened the cluster, put everything back, and ended with exit code 4.')
  showReach(stage, 'After: as before')
  return code === exitCodes.rolledBack && stage.reach() === before ? exitCodes.ok : exitCodes.failure
}

/** The program dies in the middle of the run, and the cluster opens without it. */
const crash = async (stage: DemoStage): Promise<ExitCode> => {
  const before = stage.reach()
  const { simulator } = stage
  const victim = mortal(stage.context(['init', '--yes', '--node-ports', 'close', '--window', '45s']))
  const options = { windowSeconds: 45, yes: true, takeOver: false, nodePorts: 'close', dryRun: 'none', accepted: nothingAccepted } as const
  stage.tell('\n$ kubectl calico-fw init --yes --node-ports close --window 45s')
  // Nobody waits for the dead: what was begun stays where it was when it died.
  const over = new AbortController()
  void withCluster(victim.context, {}, { format: 'text' }, (session) => init(session, options))
    .catch(() => undefined)
    .finally(() => over.abort())
  if (!(await closedNodes(stage, 3, over.signal))) return endedEarly(stage)
  victim.kill()
  stage.tell('\n*** kill -9: the program is gone. Nobody renews the gate, nobody rolls back. ***')
  showReach(stage, 'Now: half of the nodes are closed')
  await play(stage, ['status'], status)
  stage.tell('\nWaiting for Kubernetes to open the cluster by itself ...')
  const { clock } = stage.context([])
  const until = clock.now() + 60_000
  while (isClosed(stage) && clock.now() < until) await clock.sleep(250)
  showReach(stage, 'Open again, by itself')
  await play(stage, ['status'], status)
  await simulatorSettles(stage)
  await play(stage, ['rollback', '--to', '0', '--yes'], (session) => rollback(session, { to: 0, yes: true, windowSeconds: 90 }))
  const left = simulator.objects.list(v3, 'HostEndpoint').length
  return stage.reach() === before && left === 0 ? exitCodes.ok : exitCodes.failure
}

const stories = { main, lockout, crash } as const

const showReach = ({ tell, reach }: DemoStage, title: string): void => tell(`\n${title}\n${reach()}`)

/** Runs one command as if it had been typed, and tells how it ended as the program itself would. */
const play = async ({ context, tell }: DemoStage, argv: readonly string[], work: Parameters<typeof withCluster>[3]): Promise<ExitCode> => {
  tell(`\n$ kubectl calico-fw ${argv.join(' ')}`)
  const own = context(argv)
  try {
    return await withCluster(own, {}, { format: 'text' }, work)
  } catch (error) {
    if (!(error instanceof FwError)) throw error
    tell(`${errorText(error, themeFor(own.stderr, own.workstation.env))}\n(exit code ${error.exit})`)
    return error.exit
  }
}

const isClosed = ({ simulator }: DemoStage): boolean =>
  ['ws1', 'ws2', 'ws3', 'ws4', 'control1'].some((node) => simulator.reach('inet', node, 9100) === 'TIMEOUT')

/** Resolves once that many nodes have a HostEndpoint of ours; false where the run is over before. */
const closedNodes = async ({ simulator, context }: DemoStage, count: number, over: AbortSignal): Promise<boolean> => {
  const { clock } = context([])
  while (simulator.objects.list(v3, 'HostEndpoint').filter(({ metadata }) => metadata.labels?.[keys.run] !== undefined).length < count) {
    if (over.aborted) return false
    await clock.sleep(50)
  }
  return true
}

const endedEarly = ({ tell }: DemoStage): ExitCode => {
  tell('\nThe run ended before its story began: this machine is too busy for time that runs so fast. Try again.')
  return exitCodes.failure
}

/** The lock's last holder is dead; its Lease must run out before another may work. */
const simulatorSettles = ({ context }: DemoStage): Promise<void> => context([]).clock.sleep(15_000)

const intruder = {
  apiVersion: v3,
  kind: 'GlobalNetworkPolicy',
  metadata: { name: 'intruder' },
  spec: { order: 1, selector: 'all()', preDNAT: true, applyOnForward: true, types: ['Ingress'], ingress: [{ action: 'Deny' }] },
}

/** A context that can die: nothing it had begun goes on, and nobody hears of it. */
const mortal = (context: Context): { readonly context: Context; readonly kill: () => void } => {
  let alive = true
  const sockets = new Set<{ destroy(): unknown }>()
  const never = new Promise<never>(() => undefined)
  const stderr = { write: (text: string) => (alive ? context.stderr.write(text) : true) }
  const stream = Object.assign(Object.create(context.stderr), stderr, { isTTY: false })
  return {
    context: {
      ...context,
      stdout: stream,
      stderr: stream,
      clock: {
        now: context.clock.now,
        wall: context.clock.wall,
        sleep: async (ms, signal) => {
          await context.clock.sleep(ms, signal)
          if (!alive) await never
        },
      },
      openSocket: (host, port) => {
        const socket = context.openSocket(host, port)
        sockets.add(socket)
        if (!alive) socket.destroy()
        return socket
      },
      onSignal: () => () => undefined,
    },
    kill: () => {
      alive = false
      for (const socket of sockets) socket.destroy()
    },
  }
}
