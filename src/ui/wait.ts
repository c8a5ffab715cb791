import { takesColour } from './theme.ts'

/** Shows that something is waited for: ora on a terminal, one line elsewhere. Loaded when first needed. */
export const waiting = async <Value>(
  {
    stderr: stream,
    env,
  }: { readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean }; readonly env: Readonly<Record<string, string | undefined>> },
  text: string,
  work: () => Promise<Value>,
): Promise<Value> => {
  if (stream.isTTY !== true) {
    stream.write(`${text} ...\n`)
    return work()
  }
  const { default: ora } = await import('ora')
  // Ora would swallow what is typed meanwhile, Ctrl-C included, until it stops; and its own colours do not heed NO_COLOR.
  const spinner = ora({ text, stream, discardStdin: false, color: takesColour(stream, env) ? 'cyan' : false }).start()
  try {
    const value = await work()
    spinner.succeed()
    return value
  } catch (error) {
    spinner.fail()
    throw error
  }
}
