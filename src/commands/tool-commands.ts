import { Option } from 'commander'
import { parseOutput } from './flags.ts'
import { outputOption, type Tree } from './tree.ts'

/** The commands about the program itself, which touch no cluster. */
export const addToolCommands = ({ context, root, add, acting, done }: Tree): void => {
  add('demo', 'run the main job on a built-in cluster; touches nothing of yours')
    .addOption(
      new Option('--scenario <NAME>', 'lockout: a probe fails on the way; crash: this program dies on the way').choices(['main', 'lockout', 'crash']),
    )
    .action(
      acting(async (flags) => {
        const { run } = await import('./demo.ts')
        return run(context, { scenario: (flags.scenario ?? 'main') as 'main' | 'lockout' | 'crash' })
      }),
    )
  add('version', 'print the version')
    .addOption(outputOption())
    .action(
      acting(async (flags) => {
        const { run } = await import('./version.ts')
        return run(context, parseOutput(flags.output))
      }),
    )
  add('completion', 'print a shim that lets kubectl complete this plugin').action(
    acting(async () => {
      const { run } = await import('./completion.ts')
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
      const { complete } = await import('./completion.ts')
      done(await complete(context, root, words))
    })
}
