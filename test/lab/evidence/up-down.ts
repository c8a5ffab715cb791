/** Brings the lab up and down again and again, and counts what is left each time: node scripts/run-ts.mjs test/lab/evidence/up-down.ts [TIMES] [FLAG...] */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { findBinaries } from '../binaries.ts'
import { memoryOf } from '../describe.ts'
import { down } from '../lab.ts'
import { run } from '../machine/run.ts'
import { defaultDir, stateDir } from '../machine/state.ts'
import { parseVariant, variantName } from '../options.ts'
import { builtControlPlane, namespacePrefix } from '../place.ts'
import { up } from '../up.ts'

/** What a lab could leave behind on this machine. */
const leftovers = async (prefix: string, dir: string) => ({
  namespaces: existsSync('/run/netns') ? readdirSync('/run/netns').filter((name) => name.startsWith(prefix)).length : 0,
  // The kernel's own count of network namespaces: one that is unnamed but still referenced shows here.
  kernelNamespaces: Number(/^net_namespace\s+(\d+)/m.exec(readFileSync('/proc/slabinfo', 'utf8'))?.[1] ?? Number.NaN),
  processes: readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid && mentions(pid, dir)).length,
  mounts: readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(dir) || line.includes(`/netns/${prefix}`)).length,
  folder: existsSync(dir) ? 1 : 0,
  availableMiB: Math.round(Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) / 1024),
})

const mentions = (pid: string, dir: string): boolean => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(dir)
  } catch {
    return false
  }
}

const [times = '20', ...flags] = process.argv.slice(2)
const variant = parseVariant(flags)
const state = stateDir(defaultDir(process.env))
const prefix = namespacePrefix(process.env)
const binaries = findBinaries(process.env, builtControlPlane(process.env))
const lines = [
  `${variantName(variant)}, ${times} times, ${(await run(['nproc'])).trim()} cores, ${new Date().toISOString().slice(0, 10)}`,
  'ROUND  UP s  DOWN s  MEMORY MiB  LEFT: namespaces processes mounts folder  KERNEL netns  AVAILABLE MiB',
]
const before = await leftovers(prefix, state.path)
for (let round = 1; round <= Number(times); round++) {
  const began = performance.now()
  const lab = await up(state, variant, binaries, prefix)
  const upS = (performance.now() - began) / 1000
  const memory = memoryOf(lab)
  lab.api.close()
  const stopping = performance.now()
  await down(state)
  const downS = (performance.now() - stopping) / 1000
  const left = await leftovers(prefix, state.path)
  const line = `${String(round).padStart(5)} ${upS.toFixed(1).padStart(5)} ${downS.toFixed(1).padStart(7)} ${memory.toFixed(0).padStart(11)}  ${left.namespaces} ${left.processes} ${left.mounts} ${left.folder}  ${left.kernelNamespaces} (before the first: ${before.kernelNamespaces})  ${left.availableMiB}`
  lines.push(line)
  process.stdout.write(`${line}\n`)
  if (left.namespaces + left.processes + left.mounts + left.folder > 0) throw new Error('something is left behind')
}
writeFileSync(fileURLToPath(new URL(`./up-down-${variantName(variant)}.txt`, import.meta.url)), `${lines.join('\n')}\n`)
process.exit(0)
