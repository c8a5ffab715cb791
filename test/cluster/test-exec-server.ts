import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

/** What the client is sent, frame by frame: the stream's number and its bytes; `hang` sends no more, `drop` cuts the connection. */
export type Frame = readonly [stream: number, content: string] | 'hang' | 'drop'

/** The server's side of a pod exec: accepts the websocket and plays the frames (RFC 6455; Kubernetes' v5.channel.k8s.io). */
export const playExec = (request: IncomingMessage, socket: Duplex, frames: readonly Frame[]): void => {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  socket.on('error', () => undefined)
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n`,
  )
  for (const frame of frames) {
    if (frame === 'hang') return
    if (frame === 'drop') return void socket.destroy()
    const payload = Buffer.concat([Uint8Array.from([frame[0]]), Buffer.from(frame[1])])
    const length = payload.length < 126 ? [payload.length] : [126, payload.length >> 8, payload.length & 255]
    socket.write(Buffer.concat([Uint8Array.from([0x82, ...length]), payload]))
  }
}
