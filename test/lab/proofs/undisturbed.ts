import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Lab } from '../lab.ts'
import { slowLink } from '../machine/failures.ts'
import { pause } from '../machine/run.ts'
import { initHome } from './home-init.ts'
import { type Page, seconds } from './page.ts'
import { rollBack } from './undone.ts'

/** A link slow enough that the network and not this machine is the limit, in kilobits a second. */
const linkKbit = 50_000
const quietMs = 15_000

const sink = `require('net').createServer((s) => s.resume()).listen(5001, () => console.log('ready'))`
/** Prints once a second how many bytes the kernel has taken. */
const source = `
const s = require('net').connect(5001, process.argv[1])
const chunk = Buffer.alloc(65536)
let sent = 0
const more = () => { while (s.write(chunk, () => { sent += chunk.length })); }
s.on('drain', more).on('connect', more)
setInterval(() => { console.log(sent); sent = 0 }, 1000)
`

/** One second of the flow. */
interface Second {
  readonly at: number
  readonly bytes: number
}

const median = (values: readonly number[]): number => [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0

/** A bulk flow between two nodes, quiet and with the product closing the cluster beside it: probes and watchers do not take its bandwidth. */
export const proveUndisturbed = async (lab: Lab, page: Page): Promise<void> => {
  const heal = await slowLink(lab, 'ws2', linkKbit)
  const start = (place: string, script: string, ...args: string[]) => {
    const [program = '', ...rest] = lab.argvIn(place, [process.execPath, '-e', script, ...args])
    return spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  }
  const listening = start('ws2', sink)
  await new Promise((resolve) => listening.stdout.once('data', resolve))
  const flow = start('ws1', source, lab.node('ws2').address)
  const seen: Second[] = []
  createInterface({ input: flow.stdout }).on('line', (line) => seen.push({ at: Date.now(), bytes: Number(line) }))
  try {
    await pause(quietMs)
    const began = Date.now()
    const end = await initHome(lab)
    await pause(quietMs)
    // The first seconds fill buffers, and the last of the run are not alone yet.
    const warm = (seen[0]?.at ?? began) + 3_000
    const quiet = seen.filter(({ at }) => (at > warm && at < began - 1_000) || at > end.ended + 2_000)
    const during = seen.filter(({ at }) => at > began + 1_000 && at < end.ended)
    const [alone, beside] = [median(quiet.map(({ bytes }) => bytes)), median(during.map(({ bytes }) => bytes))]
    const mbit = (bytes: number) => `${((bytes * 8) / 1e6).toFixed(1)} Mbit/s`
    page.fact(
      'a bulk flow keeps at least 99 % of its throughput while init runs',
      beside >= 0.99 * alone,
      `${mbit(alone)} alone (median of ${quiet.length} s), ${mbit(beside)} beside init (median of ${during.length} s, ${seconds(end.ended - end.began)}): ${((100 * beside) / alone).toFixed(1)} %`,
    )
  } finally {
    flow.kill('SIGKILL')
    listening.kill('SIGKILL')
    await heal()
    await rollBack(lab)
  }
}
