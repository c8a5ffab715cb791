import { runOnNode } from '../cluster/pods/operator-shell.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { rescueScript } from '../firewall/rescue-script.ts'
import type { Context, OutputFormat } from './context.ts'
import { createPrinter } from './printer.ts'

/** What `rescue` takes. */
export interface RescueOptions {
  readonly seconds: number
  /** A command that signs in to the node as root, for example `ssh root@ws1`. */
  readonly execute?: string
}

/** Prints a script that opens one node without the API, or runs it there. Asks no cluster: it is for when none answers. */
export const run = async (context: Context, format: OutputFormat, { seconds, execute }: RescueOptions): Promise<ExitCode> => {
  const printer = createPrinter(context, format)
  const script = rescueScript(seconds)
  if (execute === undefined) {
    printer.data(script.trimEnd())
    printer.talk('Run it as root on the node that is shut:  kubectl calico-fw rescue | ssh root@NODE sh -s')
    printer.document('Rescue', { seconds, script })
    return exitCodes.ok
  }
  const stop = new AbortController()
  const release = context.onSignal((signal) => stop.abort(signal))
  try {
    const said = (await runOnNode(execute, script, context.workstation.env, stop.signal)).trim()
    printer.data(said)
    printer.talk('Now mend the cause:  kubectl calico-fw open, then kubectl calico-fw rollback')
    printer.document('Rescue', { seconds, execute, said })
    return exitCodes.ok
  } finally {
    release()
  }
}
