import { afterEach } from 'vitest'
import type { Connection } from '../../src/cluster/transport/connection.ts'
import { connectionTo } from './test-connection.ts'
import { answer, type Handler, startServer, type TestServer } from './test-server.ts'

const toClose: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of toClose.splice(0)) await each.close()
})

/** Closes it when the test is over. */
export const kept = <Closing extends { close(): unknown }>(closing: Closing): Closing => {
  toClose.push(closing)
  return closing
}

/** A server for this test. */
export const serve = async (handler: Handler, certificate?: 'server' | 'expired-server' | 'company-server' | 'none'): Promise<TestServer> =>
  kept(await startServer(handler, certificate))

/** A connection for this test. */
export const to = (...parameters: Parameters<typeof connectionTo>): Connection => kept(connectionTo(...parameters))

/** Says yes to everything. */
export const ok: Handler = (_request, response) => answer(response, 200, { ok: true })

/** The simplest of requests. */
export const get = { method: 'GET', path: '/version' } as const
