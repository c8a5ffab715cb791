/** Shows that something is waited for: ora on a terminal, one line elsewhere. Loaded when first needed. */
export const waiting = async <Value>(
  stream: NodeJS.WritableStream & { readonly isTTY?: boolean },
  text: string,
  work: () => Promise<Value>,
): Promise<Value> => {
  if (stream.isTTY !== true) {
    stream.write(`${text} ...\n`)
    return work()
  }
  const { default: ora } = await import('ora')
  // Ora would swallow what is typed meanwhile, Ctrl-C included, until it stops.
  const spinner = ora({ text, stream, discardStdin: false }).start()
  try {
    const value = await work()
    spinner.succeed()
    return value
  } catch (error) {
    spinner.fail()
    throw error
  }
}
