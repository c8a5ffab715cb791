import type { Board } from './board.ts'
import { liveBoard } from './live-board.ts'
import { plainBoard } from './plain-board.ts'

/** Makes boards for a stream: drawn on a terminal, line by line elsewhere. */
export const boardsFor =
  (stream: NodeJS.WritableStream & { readonly isTTY?: boolean }, env: Readonly<Record<string, string | undefined>>) =>
  (titles: readonly string[], offset: number, of: number): Board | Promise<Board> =>
    stream.isTTY === true && env['TERM'] !== 'dumb'
      ? liveBoard(titles, stream as NodeJS.WriteStream)
      : plainBoard(titles, offset, of, (line) => stream.write(`${line}\n`))
