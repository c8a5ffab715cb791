import type { Agent } from 'node:http'
import type { ResolvedKubeconfig } from '../kubeconfig/resolve-kubeconfig.ts'
import type { HttpAnswer } from './http-exchange.ts'

/** One request to the API server. */
export interface ApiRequest {
  readonly method: string
  /** Begins with `/`; the path of the kubeconfig's server goes before it. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Milliseconds for all of it, retries included; default `--request-timeout`, else 10,000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** Which HTTP statuses are an answer; default 200 to 299. Others become errors. */
  readonly accept?: (status: number) => boolean
  /** A connection of its own, never reused: new TCP, new TLS. `address` and `port` dial elsewhere; the certificate is checked as ever. */
  readonly fresh?: { readonly address?: string; readonly port?: number }
}

/** What a websocket needs to reach the server as `send` would. */
interface Upgrade {
  readonly url: URL
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly agent: Agent
  close(): void
}

/** A way to one cluster as one user, with its credentials and its kept-alive connections. */
export interface Connection {
  readonly resolved: ResolvedKubeconfig
  /**
   * Sends one request. A 429 is waited out a few times, for the server has done nothing then; a 401 asks a credential plugin once more; a read
   * is sent again once if an idle connection turns out dead; a write never is.
   * @throws FwError FW_UNREACHABLE, FW_TLS, FW_TIMEOUT, FW_CREDENTIALS, FW_INTERRUPTED, and ApiError for statuses that are not accepted
   */
  send(request: ApiRequest): Promise<HttpAnswer>
  /**
   * For a protocol of its own, on a connection of its own: credentials, and an agent that dials and verifies as `send` does.
   * @throws FwError FW_CREDENTIALS
   */
  upgrade(signal: AbortSignal): Promise<Upgrade>
  /** Closes every connection; requests under way fail. */
  close(): void
}
