import { Command, CommanderError, Option } from 'commander'
import { collect } from './commands/collect.ts'
import { withConnection } from './commands/connection-options.ts'
import type { CommandContext, Context } from './commands/context.ts'
import { addFirewallCommands } from './commands/firewall-commands.ts'
import { consentFlags, windowOption, withConsent, yesOption } from './commands/firewall-options.ts'
import { parseChange, parseHistory, parseOutput, parseRescueTime } from './commands/flags.ts'
import type { Parsed } from './commands/parsed.ts'
import { orWayOut } from './commands/way-out.ts'
import { FwError } from './errors.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { type HelpWords, helpText } from './ui/help-text.ts'
import { helpWords } from './ui/help-words.ts'
import { version } from './version.ts'

/** The name people type. */
const program = 'kubectl calico-fw'

/**
 * Parses the command line and runs the command it names. Loads nothing but the parser until a command runs.
 * @throws FwError, also for a command line that is wrong
 */
export const runCli = async (context: Context): Promise<ExitCode> => {
  const result: { code: ExitCode } = { code: exitCodes.ok }
  const root = commandTree(context, (code) => {
    result.code = code
  })
  const [first, ...others] = context.argv
  // As `kubectl help get` does.
  const argv = first === 'help' ? others.slice(0, 1).flatMap((verb) => (verb in helpWords ? [verb, '--help'] : [verb])) : [...context.argv]
  if (argv.length === 0) {
    context.stdout.write(helpText(root, program, helpWords['calico-fw']))
    return exitCodes.ok
  }
  try {
    await root.parseAsync(argv, { from: 'user' })
    return result.code
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return exitCodes.ok
    throw usageError(error, argv)
  }
}

/** The command tree; `done` is told the exit code of the command that ran. */
export const commandTree = (context: Context, done: (code: ExitCode) => void): Command => {
  const root = prepared(new Command('calico-fw'), context).description(
    'a host firewall for Kubernetes nodes, made of Calico policies, that never locks its operator out',
  )
  const add = (name: string, summary: string): Command => prepared(root.command(name), context).description(summary)
  const acting =
    (run: (flags: Parsed, positional: readonly string[]) => Promise<ExitCode>) =>
    async (...parameters: unknown[]): Promise<void> => {
      const command = parameters.at(-1) as Command
      done(await run(command.opts<Parsed>(), command.args))
    }
  // What is wrong without a cluster is told without one.
  const onCluster = (
    run: (session: CommandContext, flags: Parsed, positional: readonly string[]) => Promise<ExitCode>,
    check: (flags: Parsed, positional: readonly string[]) => unknown = () => undefined,
  ) =>
    acting(async (flags, positional) => {
      await check(flags, positional)
      const { withCluster } = await import('./commands/session.ts')
      return withCluster(context, flags, { format: parseOutput(flags.output), ...(flags.v === undefined ? {} : { verbosity: flags.v }) }, (session) =>
        run(session, flags, positional),
      )
    })
  const dataFlags = (command: Command): Command => withConnection(command.addOption(outputOption()))

  addFirewallCommands({ context, add, onCluster, dataFlags })
  withConsent(dataFlags(add('add-vip', 'open one more address')), 'do not ask')
    .argument('<ip>', 'the address, a VIP or a node')
    .usage('IP --port PORT/PROTO... [flags]')
    .requiredOption('--port <PORT/PROTO>', 'what to open there, as 80/tcp or 30000-30010/udp; repeatable', collect)
    .option('--from <CIDR>', 'to whom; everyone without it; repeatable', collect)
    .option('--name <NAME>', 'name of the entry and its policy; made from the address without it')
    .option('--failsafe', 'also add the ports to the failsafes: open on every node, to everyone, whatever happens')
    .option('-f, --filename <FILE>', 'also add the entry to this file, comments kept')
    .action(
      onCluster(async (session, flags, [address = '']) => {
        const { run } = await import('./commands/add-vip.ts')
        return run(session, {
          address,
          ports: flags.port ?? [],
          from: flags.from ?? [],
          failsafe: flags.failsafe === true,
          ...consentFlags(flags),
          ...(flags.name === undefined ? {} : { name: flags.name }),
          ...(flags.filename === undefined ? {} : { filename: flags.filename }),
        })
      }),
    )
  dataFlags(add('rollback', 'go back to an earlier state, and prove it'))
    .option('--to <N>', 'the change to go back to; 0 is before the first; without it the last change is undone', (text) => parseChange(text))
    .addOption(yesOption('do not ask'))
    .addOption(windowOption())
    .action(
      onCluster(async (session, flags) => {
        const { run } = await import('./commands/rollback.ts')
        const to = flags.to === undefined ? {} : { to: flags.to }
        return orWayOut(run(session, { ...to, yes: flags.yes === true, windowSeconds: flags.window }))
      }),
    )
  dataFlags(add('status', 'tell what is in force, what is on trial, and what happens next')).action(
    onCluster(async (session) => {
      const { run } = await import('./commands/status.ts')
      return orWayOut(run(session))
    }),
  )
  dataFlags(add('history', 'list the changes of this tool, or tell one step by step'))
    .argument('[change]', 'the number of a change')
    .usage('[CHANGE] [flags]')
    .option('--bundle', 'print all that is kept of that change, as one document')
    .option('--redact', 'in the bundle, hide addresses and who made the change')
    .action(
      onCluster(
        async (session, flags, [change]) => (await import('./commands/history.ts')).run(session, parseHistory(change, flags)),
        (flags, [change]) => parseHistory(change, flags),
      ),
    )
  dataFlags(add('doctor', 'look for what would make a firewall unsafe or fail; change nothing')).action(
    onCluster(async (session) => {
      const { run } = await import('./commands/doctor.ts')
      return run(session)
    }),
  )
  dataFlags(add('explain', 'tell what happens to one connection, and which rule decides'))
    .argument('<source>', 'an address or a node')
    .argument('<destination>', 'an address or a node, with port and protocol')
    .usage('SOURCE DESTINATION:PORT/PROTO [flags]')
    .option('--via <NODE>', 'the node a packet from outside comes in by, where its destination does not say')
    .option('--established', 'a connection that stood before anything was written, instead of a new one')
    .option('-f, --filename <FILE>', 'also with this firewall in force, or with these Calico objects written')
    .option('--facts <FILE>', 'from facts saved before; no cluster is asked')
    .option('--save-facts <FILE>', 'save what was found, for --facts')
    .action(async (...parameters: unknown[]) => {
      const command = parameters.at(-1) as Command
      const { facts, output, ...flags } = command.opts<Parsed>()
      const options = { flow: command.args, ...flags }
      if (facts === undefined)
        return onCluster(
          async (session) => (await import('./commands/explain.ts')).run(session, options),
          async (_, [, target = '']) => (await import('./commands/parse-flow.ts')).destinationOf(target),
        )(...parameters)
      const { runOffline } = await import('./commands/explain.ts')
      done(await runOffline(context, parseOutput(output), { ...options, facts }))
    })
  withConsent(dataFlags(add('confirm', 'keep a change that was left on trial')), 'do not ask; the probes decide').action(
    onCluster(async (session, flags) => {
      const { run } = await import('./commands/confirm.ts')
      return orWayOut(run(session, consentFlags(flags)))
    }),
  )
  dataFlags(add('open', 'open every node at once, with one write: the emergency exit')).action(
    onCluster(async (session) => {
      const { run } = await import('./commands/open.ts')
      return orWayOut(run(session))
    }),
  )
  add('rescue', 'print a script that opens one node without the API, or run it there')
    .option('--execute <COMMAND>', 'run it through this command, which signs in to the node as root: "ssh root@ws1"')
    .addOption(new Option('--for <TIME>', 'how long the node is held open, as 30m; 10m without it').default(600, '10m').argParser(parseRescueTime))
    .addOption(outputOption())
    .action(
      acting(async (flags) => {
        const { run } = await import('./commands/rescue.ts')
        return run(context, parseOutput(flags.output), { seconds: flags.for, ...(flags.execute === undefined ? {} : { execute: flags.execute }) })
      }),
    )
  add('demo', 'run the main job on a built-in cluster; touches nothing of yours')
    .addOption(
      new Option('--scenario <NAME>', 'lockout: a probe fails on the way; crash: this program dies on the way').choices(['main', 'lockout', 'crash']),
    )
    .action(
      acting(async (flags) => {
        const { run } = await import('./commands/demo.ts')
        return run(context, { scenario: (flags.scenario ?? 'main') as 'main' | 'lockout' | 'crash' })
      }),
    )
  add('version', 'print the version')
    .addOption(outputOption())
    .action(
      acting(async (flags) => {
        const { run } = await import('./commands/version.ts')
        return run(context, parseOutput(flags.output))
      }),
    )
  add('completion', 'print a shim that lets kubectl complete this plugin').action(
    acting(async () => {
      const { run } = await import('./commands/completion.ts')
      return run(context)
    }),
  )
  root
    .command('__complete', { hidden: true })
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .argument('[words...]')
    .action(async (words: string[]) => {
      const { complete } = await import('./commands/completion.ts')
      done(await complete(context, root, words))
    })
  root.version(`kubectl-calico-fw v${version}`, '--version', 'print the version')
  return root
}

/** What every command shares: our help, our errors, our streams. */
const prepared = (command: Command, context: Context): Command => {
  const words: HelpWords | undefined = helpWords[command.name()]
  const fullName = command.name() === 'calico-fw' ? program : `${program} ${command.name()}`
  command
    .exitOverride()
    .allowExcessArguments(false)
    .helpOption('-h, --help', 'show this help')
    .usage(command.parent === null ? 'COMMAND [flags]' : '[flags]')
    .helpCommand(false)
    .configureOutput({ writeOut: (text) => void context.stdout.write(text), writeErr: () => undefined })
  command.helpInformation = () => helpText(command, fullName, words)
  return command
}

const outputOption = (): Option => new Option('-o, --output <FORMAT>', 'print one document instead of text: json or yaml')

/** How it is written, where what was left out or added tells what was meant. */
const forms: Readonly<Record<string, string>> = {
  'apply missingMandatoryOptionValue': 'name the file: kubectl calico-fw apply -f FILE',
  'add-vip missingMandatoryOptionValue': 'write: kubectl calico-fw add-vip IP --port 443/tcp',
  'add-vip missingArgument': 'write: kubectl calico-fw add-vip IP --port 443/tcp',
  'rollback excessArguments': 'write the change as a flag: kubectl calico-fw rollback --to N',
}

/** commander's own sentences, in our shape: `error: unknown option '--vpi'\n(Did you mean --vip?)`. */
const usageError = (error: CommanderError, argv: readonly string[]): FwError => {
  const [what = '', hint] = error.message.replace(/^error: /, '').split('\n')
  const meant = /\(Did you mean (?:one of )?(.+)\?\)/.exec(hint ?? '')?.[1]
  const verb = argv.find((word) => !word.startsWith('-'))
  const known = verb !== undefined && verb in helpWords && error.code !== 'commander.unknownCommand'
  return new FwError('FW_USAGE', what, {
    fix:
      (known ? forms[`${verb} ${error.code.replace('commander.', '')}`] : undefined) ??
      `${meant === undefined ? '' : `did you mean ${meant}? `}see: ${program}${known ? ` ${verb}` : ''} --help`,
    cause: error,
  })
}
