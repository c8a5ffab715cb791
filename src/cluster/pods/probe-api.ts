import type { Connection } from '../transport/connection.ts'

/** What a fresh connection to the API server found. */
export interface ApiAnswer {
  /** HTTP status; any at all means that TCP, TLS and the server's certificate are well. */
  readonly status: number
  /** `ok`, or what is not. */
  readonly body: string
  /** The address this machine used towards the server, or towards the proxy. */
  readonly localAddress: string | undefined
}

/**
 * Asks the API server over a connection made for this alone: new TCP, new TLS, closed afterwards. An established connection survives every
 * mistake of a firewall through conntrack, so a probe must never borrow one. `address` and `port` choose one of several endpoints; the
 * certificate must be valid for the kubeconfig's own name whichever is dialled.
 * @throws FwError FW_UNREACHABLE, FW_TLS, FW_TIMEOUT, FW_CREDENTIALS
 */
export const probeApi = async (
  connection: Connection,
  probe: { readonly address?: string; readonly port?: number; readonly path?: string; readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<ApiAnswer> => {
  const { address, port, path = '/readyz', timeoutMs, signal } = probe
  const answer = await connection.send({
    method: 'GET',
    path,
    headers: { accept: '*/*' },
    timeoutMs,
    accept: () => true,
    fresh: { ...(address === undefined ? {} : { address }), ...(port === undefined ? {} : { port }) },
    ...(signal === undefined ? {} : { signal }),
  })
  return { status: answer.status, body: answer.body.toString('utf8'), localAddress: answer.localAddress }
}
