import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { hostname, networkInterfaces, tmpdir, uptime, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runCli } from './cli.ts'
import { openSocket } from './cluster/transport/network.ts'
import { workstationOf } from './cluster/workstation.ts'
import type { Context, StopSignal } from './commands/context.ts'
import { reportError } from './commands/report-error.ts'
import { exitCodes } from './exit-codes.ts'
import { systemClock } from './system-clock.ts'

// V8 lets garbage pile up for the sake of servers that live long. A plan for 5,000 nodes takes 50 MB less this way, and no longer (docs/benchmarks.md).
setFlagsFromString('--heap-growing-percent=50')

const stopSignals: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** The user's name; some containers have none for their uid. */
const userName = (): string => {
  try {
    return userInfo().username
  } catch {
    return process.env['USER'] ?? 'unknown'
  }
}

const context: Context = {
  argv: process.argv.slice(2),
  workstation: workstationOf(process, Date.now),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  clock: systemClock({
    steady: () => performance.now(),
    sinceBoot: () => uptime() * 1_000,
    wall: () => new Date(),
    sleep: async (ms, signal) => {
      await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
        throw signal?.aborted ? signal.reason : error
      })
    },
  }),
  openSocket,
  execInPod: async (connection, command) => (await import('./cluster/pods/exec.ts')).execInPod(connection, command),
  lookup: async (host) => (await (await import('node:dns/promises')).lookup(host, { all: true })).map(({ address }) => address),
  network: {
    localAddressTo: async (address) => (await import('./discovery/operator-address.ts')).localAddressTo(address),
    interfaces: networkInterfaces,
  },
  random: () => randomBytes(4).toString('hex'),
  who: { user: userName(), host: hostname(), pid: process.pid },
  writeFile: (path, text) => writeFile(path, text),
  temporaryFolder: async () => {
    const path = await mkdtemp(join(tmpdir(), 'calico-fw-'))
    return { path, remove: () => rm(path, { recursive: true, force: true }) }
  },
  onSignal: (handler) => {
    const listeners = stopSignals.map((signal) => [signal, () => handler(signal)] as const)
    for (const [signal, listener] of listeners) process.on(signal, listener)
    return () => {
      for (const [signal, listener] of listeners) process.off(signal, listener)
    }
  },
}

// Prompts and lists colour by the environment alone; --no-color must reach them before they load.
if (context.argv.includes('--no-color')) process.env['NO_COLOR'] = '1'

// A reader that has gone (`| head`), a closed terminal (EIO) and a full disk behind `>` are no reason to die in the middle of a run, which may have to open.
for (const stream of [process.stdin, process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (stream !== process.stdout || error.code === 'EPIPE') return
    process.once('exit', () => {
      process.stderr.write(`error: standard output could not be written: ${error.message}\n`)
      process.exitCode ||= exitCodes.failure
    })
  })
}

// No await here: a single-file executable is CommonJS.
void runCli(context)
  .catch((error: unknown) => reportError(context, error))
  .then((code) => {
    process.exitCode = code
    // A connection on its way, or a bug, must not keep a command alive that has ended; what was written gets its time to be read.
    setTimeout(() => process.exit(), 1_000).unref()
  })
