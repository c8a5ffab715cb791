import type { Api } from '../cluster/api.ts'
import { createApi } from '../cluster/create-api.ts'
import type { Connection } from '../cluster/transport/connection.ts'

/**
 * The API with a connection of its own for every request: new TCP, new TLS, closed afterwards. An established connection survives every mistake
 * of a firewall through conntrack, so no probe may borrow one.
 */
export const createFreshApi = (connection: Connection): Api =>
  createApi({ ...connection, send: (request) => connection.send({ ...request, fresh: request.fresh ?? {} }) })
