import type { Board } from './board.ts'

/** What we use of listr2's task. */
interface Task {
  output: string
  skip(message: string): void
}

/** One task on its way: settled by the events of the run, not by work of its own. */
interface Gate {
  readonly begun: Promise<void>
  readonly begin: () => void
  readonly ended: Promise<string | undefined>
  readonly end: (failure?: string) => void
}

const gate = (): Gate => {
  let begin = (): void => undefined
  let end: (failure?: string) => void = () => undefined
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const ended = new Promise<string | undefined>((resolve) => {
    end = resolve
  })
  return { begun, begin, ended, end }
}

/**
 * A board drawn by listr2: what is done, what is at work, what is still to come. listr2 only draws: its rollback undoes the failing task alone,
 * and its own signal handler would end the process without one.
 */
export const liveBoard = async (titles: readonly string[], stream: NodeJS.WriteStream): Promise<Board> => {
  const { Listr, ListrLogger, ProcessOutput } = await import('listr2')
  const gates = titles.map(gate)
  const leftOut = new Set<number>()
  const notes: string[] = []
  let current = -1
  let task: Task | undefined
  let latest = ''

  const list = new Listr(
    titles.map((title, index) => ({
      title,
      enabled: () => !leftOut.has(index),
      task: async (_: unknown, wrapper: Task) => {
        await gates[index]?.begun
        task = wrapper
        if (latest !== '') wrapper.output = latest
        const failure = await gates[index]?.ended
        task = undefined
        if (failure !== undefined) throw new Error(failure)
      },
    })),
    {
      renderer: 'default',
      registerSignalListeners: false,
      exitOnError: false,
      rendererOptions: {
        logger: new ListrLogger({ processOutput: new ProcessOutput(stream, stream, { leaveEmptyLine: false }) }),
        collapseErrors: false,
        formatOutput: 'truncate',
      },
    },
  )
  const drawn = list.run()

  const leaveOut = (from: number, to: number): void => {
    for (let index = from; index < to; index++) {
      leftOut.add(index)
      gates[index]?.begin()
      gates[index]?.end()
    }
  }

  return {
    begin: (index) => {
      if (index === current || index < 0) return
      leaveOut(current + 1, index)
      latest = ''
      gates[index]?.begin()
      gates[current]?.end()
      current = index
    },
    say: ({ step, probes, opensIn }) => {
      latest = [opensIn, probes, step].filter(Boolean).join(' · ')
      if (task !== undefined) task.output = latest
    },
    fail: (text) => gates[current]?.end(text),
    note: (text) => notes.push(text),
    close: async (brokenOff) => {
      leaveOut(current + 1, titles.length)
      if (brokenOff !== undefined) task?.skip(`${titles[current] ?? ''}: ${brokenOff}`)
      gates[current]?.end()
      await drawn
      for (const note of notes) stream.write(`  ${note}\n`)
    },
  }
}
