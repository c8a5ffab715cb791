import { spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { pause } from './run.ts'
import type { RecordedProcess, StateDir } from './state.ts'

/** One line of the process table. */
export interface ProcessFacts {
  readonly pid: number
  readonly command: string
  readonly state: string
  readonly parent: number
  readonly session: number
  /** Clock ticks since boot. */
  readonly start: number
}

/** Reads /proc/PID/stat; undefined where there is no such process. */
const processFacts = (pid: number): ProcessFacts | undefined => factsAt(`/proc/${pid}/stat`)

/** The state letter of each thread of a process: R runs, S sleeps, T was stopped. */
export const threadStates = (pid: number): string[] => {
  let threads: string[]
  try {
    threads = readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
  return threads.flatMap((thread) => factsAt(`/proc/${pid}/task/${thread}/stat`)?.state ?? [])
}

const factsAt = (path: string): ProcessFacts | undefined => {
  let stat: string
  try {
    stat = readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
  // The command is in parentheses and may hold spaces and parentheses of its own.
  const close = stat.lastIndexOf(')')
  const fields = stat.slice(close + 2).split(' ')
  return {
    pid: Number.parseInt(stat, 10),
    command: stat.slice(stat.indexOf('(') + 1, close),
    state: fields[0] ?? '',
    parent: Number(fields[1]),
    session: Number(fields[3]),
    start: Number(fields[19]),
  }
}

/**
 * Starts a program that outlives us, in a session of its own, and records it before anything else happens.
 * Its output goes to log/NAME.log in the state folder.
 */
export const startRecorded = (
  state: StateDir,
  name: string,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): RecordedProcess => {
  const [program = '', ...rest] = argv
  const log = openSync(state.at('log', `${name}.log`), 'a')
  const child = spawn(program, rest, { detached: true, stdio: ['ignore', log, log], env })
  closeSync(log)
  child.on('error', (error) => {
    throw new Error(`${name} cannot be started: ${error.message}`)
  })
  const facts = child.pid === undefined ? undefined : processFacts(child.pid)
  if (facts === undefined) throw new Error(`${name} ended as it started (${argv.join(' ').slice(0, 200)})`)
  const recorded = { name, pid: facts.pid, start: facts.start }
  state.recordProcess(recorded)
  child.unref()
  return recorded
}

/** Whether the recorded process itself is still there and is still the one we started. */
export const isAlive = (recorded: RecordedProcess): boolean => {
  const facts = processFacts(recorded.pid)
  return facts !== undefined && facts.start === recorded.start && facts.state !== 'Z'
}

/**
 * All living processes of the session that a recorded process leads: itself and its children. A session outlives its leader,
 * and the kernel gives its number to nobody while a member lives; a leader with another start time is a stranger, and so is its session.
 */
export const membersOf = (recorded: RecordedProcess): ProcessFacts[] => {
  const leader = processFacts(recorded.pid)
  if (leader !== undefined && leader.start !== recorded.start) return []
  return allProcesses().filter((facts) => facts.session === recorded.pid && facts.start >= recorded.start && facts.state !== 'Z')
}

/** Sends a signal to the members of recorded sessions that a filter takes. */
export const signal = (recorded: readonly RecordedProcess[], name: NodeJS.Signals, which: (facts: ProcessFacts) => boolean = () => true): number => {
  const members = recorded.flatMap(membersOf).filter(which)
  for (const { pid } of members) kill(pid, name)
  return members.length
}

/** Kills recorded sessions and waits until they are gone: a lab keeps nothing that a clean end would save. */
export const killAll = async (recorded: readonly RecordedProcess[]): Promise<void> => {
  signal(recorded, 'SIGKILL')
  const end = performance.now() + 5000
  while (recorded.some((one) => membersOf(one).length > 0)) {
    if (performance.now() > end)
      throw new Error(
        `processes do not end: ${recorded
          .flatMap(membersOf)
          .map((facts) => `${facts.command}(${facts.pid})`)
          .join(' ')}`,
      )
    await pause(20)
    // A supervisor may have started a child between the look and the kill.
    signal(recorded, 'SIGKILL')
  }
}

/** Kills processes by pid, whatever they are; for those found inside network namespaces the lab made. */
export const killPids = (pids: readonly number[]): void => {
  for (const pid of pids) kill(pid, 'SIGKILL')
}

const allProcesses = (): ProcessFacts[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => processFacts(Number(name)) ?? [])

const kill = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name)
  } catch {
    // Gone between looking and signalling.
  }
}
