import { Command, CommanderError } from 'commander'
import { withConnection } from './commands/connection-options.ts'
import type { CommandContext, Context } from './commands/context.ts'
import { addDayTwoCommands } from './commands/day-two-commands.ts'
import { addFirewallCommands } from './commands/firewall-commands.ts'
import { parseOutput } from './commands/flags.ts'
import type { Parsed } from './commands/parsed.ts'
import { addToolCommands } from './commands/tool-commands.ts'
import { outputOption, type Tree } from './commands/tree.ts'
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

  const tree: Tree = { context, root, done, add, dataFlags, acting, onCluster }
  addFirewallCommands(tree)
  addDayTwoCommands(tree)
  addToolCommands(tree)
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
