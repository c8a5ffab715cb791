import { acceleratedClock } from '../simulator/accelerated-clock.ts'
import { type Simulator, startSimulator } from '../simulator/simulator.ts'
import type { Question } from '../ui/prompter.ts'
import { type ScriptedAnswer, scriptedPrompter } from '../ui/scripted-prompter.ts'
import { table } from '../ui/table.ts'
import type { Context } from './context.ts'

/** The cluster a demo plays on, and the machine it is played from. */
export interface DemoStage {
  readonly simulator: Simulator
  /** A context in which this cluster is the only one there is. */
  readonly context: (argv: readonly string[]) => Context
  /** Prints a line of the story. */
  readonly tell: (line: string) => void
  /** What a few places reach at this moment. */
  readonly reach: () => string
  readonly close: () => Promise<void>
}

/** The operator's machine in the simulated network. */
const operator = '192.168.218.170'
/** Time runs this much faster than real time. */
export const haste = 5
/**
 * The least a probe waits for an answer, in real milliseconds: handshakes take real time, and here whoever probes also proves, plans and simulates. One that is to
 * see a port silent waits this long each time.
 */
const leastPatienceMs = { open: 1_500, closed: 400 } as const
/** A probe's patience, in real milliseconds, where time runs `factor` times as fast. */
export const hastyPatience =
  (factor: number): NonNullable<Context['patience']> =>
  (ms, expect) =>
    Math.max(leastPatienceMs[expect], ms / factor)

const kubeconfigPath = '/demo/kubeconfig'

/** What is looked at: name, address or node, port. */
const doors = [
  ['SSH on ws1', 'ws1', 22],
  ['API on control1', 'control1', 6443],
  ['API VIP', '192.168.218.189', 7443],
  ['kubelet on ws1', 'ws1', 10250],
  ['exporter on ws1', 'ws1', 9100],
  ['NodePort on ws1', 'ws1', 31110],
  ['ingress VIP', '192.168.218.180', 443],
] as const

const places = [
  ['win', 'a client (.53)'],
  ['inet', 'outsider'],
  ['ws2', 'node ws2'],
] as const

/** Sets the stage: a cluster of five nodes in this process, a state folder that goes away, and answers for whoever has no terminal. */
export const setStage = async ({ execInPod: _, ...context }: Context, answer: (question: Question) => ScriptedAnswer): Promise<DemoStage> => {
  const clock = acceleratedClock(context.clock, haste)
  const simulator = await startSimulator({ clock, felix: { lagMs: 200, restartMs: 3_000 } })
  // Services answer once the controllers have found their pods.
  while (simulator.reach('win', 'ws1', 31_110) !== 'OPEN') await clock.sleep(50)
  const state = await context.temporaryFolder()
  const { workstation, stdin, stderr } = context
  const isTerminal = stdin.isTTY === true && stderr.isTTY === true
  const passed = ['TERM', 'NO_COLOR', 'FORCE_COLOR'].map((name) => [name, workstation.env[name]] as const)
  const kubeconfig = Buffer.from(simulator.kubeconfig())
  const tell = (line: string): void => {
    stderr.write(`${line}\n`)
  }
  return {
    simulator,
    tell,
    context: (argv) => ({
      ...context,
      argv,
      clock,
      patience: hastyPatience(haste),
      maxLagMs: 30_000,
      openSocket: simulator.openSocket,
      pretendsNodes: true,
      lookup: () => Promise.resolve([]),
      network: { localAddressTo: () => Promise.resolve(operator), interfaces: () => ({ eth0: [{ address: operator }] }) },
      workstation: {
        ...workstation,
        env: { ...Object.fromEntries(passed), KUBECONFIG: kubeconfigPath, XDG_STATE_HOME: state.path },
        readFile: (path) => (path === kubeconfigPath ? kubeconfig : workstation.readFile(path)),
      },
      ...(isTerminal ? {} : { prompter: scriptedPrompter(answer, tell) }),
    }),
    reach: () =>
      table(
        ['', ...places.map(([, name]) => name)],
        doors.map(([name, to, port]) => [name, ...places.map(([from]) => simulator.reach(from, to, port))]),
      ),
    close: async () => {
      await simulator.close()
      await state.remove()
    },
  }
}
