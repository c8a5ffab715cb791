/** A TCP proxy as HAProxy in front of an API server: forwarder.mjs LISTEN TARGET, each HOST:PORT or unix:PATH. */
import { connect, createServer, type NetConnectOpts } from 'node:net'

const [listen, target] = process.argv.slice(2)
if (listen === undefined || target === undefined) throw new Error('usage: forwarder.mjs LISTEN TARGET')

const endpoint = (text: string): NetConnectOpts => {
  if (text.startsWith('unix:')) return { path: text.slice('unix:'.length) }
  const colon = text.lastIndexOf(':')
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) }
}

createServer({ allowHalfOpen: true }, (client) => {
  const server = connect({ ...endpoint(target), allowHalfOpen: true })
  const end = () => {
    client.destroy()
    server.destroy()
  }
  client.on('error', end)
  server.on('error', end)
  client.setNoDelay(true)
  server.setNoDelay(true)
  client.pipe(server).pipe(client)
}).listen(endpoint(listen))
