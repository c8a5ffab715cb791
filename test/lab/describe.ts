import { readFileSync } from 'node:fs'
import type { Lab } from './lab.ts'
import { isAlive, membersOf } from './machine/processes.ts'
import { variantName } from './options.ts'

/** What runs in a lab: one line per process with its proportional memory, in MiB. */
export const describe = (lab: Lab): string => {
  const rows = lab.state.journal().processes.map((recorded) => {
    const memory = membersOf(recorded).reduce((sum, { pid }) => sum + proportionalKib(pid), 0) / 1024
    return { name: recorded.name, pid: recorded.pid, alive: isAlive(recorded), memory }
  })
  const total = rows.reduce((sum, row) => sum + row.memory, 0)
  const lines = rows.map(
    ({ name, pid, alive, memory }) =>
      `${name.padEnd(28)}${String(pid).padStart(8)}  ${(alive ? 'running' : 'ended').padEnd(8)}${memory.toFixed(0).padStart(6)}`,
  )
  return `${variantName(lab.variant)} in ${lab.state.path}\n${'PROCESS'.padEnd(28)}${'PID'.padStart(8)}  ${'STATE'.padEnd(8)}${'MIB'.padStart(6)}\n${lines.join('\n')}\n${'all'.padEnd(46)}${total.toFixed(0).padStart(6)}\n`
}

/** MiB of memory all of a lab's processes take. */
export const memoryOf = (lab: Lab): number =>
  lab.state
    .journal()
    .processes.flatMap(membersOf)
    .reduce((sum, { pid }) => sum + proportionalKib(pid), 0) / 1024

/** A process's share of memory: pages it has alone, and its part of those it shares. */
const proportionalKib = (pid: number): number => {
  try {
    return Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
