import type { Socket } from 'node:net'

/** The next event of that name; an error or the end of the connection instead of it rejects. */
export const emitted = (socket: Socket, event: 'connect' | 'secureConnect' | 'readable'): Promise<void> =>
  new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      socket.off(event, onEvent).off('error', settle).off('end', onEnd).off('close', onEnd)
      if (error === undefined) resolve()
      else reject(error)
    }
    const onEvent = (): void => settle()
    const onEnd = (): void => settle(new Error('it closed the connection'))
    socket.on(event, onEvent).on('error', settle).on('end', onEnd).on('close', onEnd)
    if (socket.destroyed || socket.readableEnded) onEnd()
  })

/** Exactly so many bytes, none more: what follows belongs to somebody else. */
export const readBytes = async (socket: Socket, count: number): Promise<Buffer> => {
  for (;;) {
    const bytes: unknown = socket.read(count)
    if (Buffer.isBuffer(bytes) && bytes.length === count) return bytes
    if (Buffer.isBuffer(bytes)) socket.unshift(bytes)
    await emitted(socket, 'readable')
  }
}
