import type { Watch } from './watch.ts'

/** One call, as it came over the wire or from inside the process. */
export interface ApiCall {
  readonly method: string
  /** Path without query. */
  readonly path: string
  readonly query: URLSearchParams
  /** Media type of the body, without parameters. */
  readonly contentType: string
  readonly body: string
  readonly user: string
  readonly userAgent: string
}

/** What is sent back. */
export type ApiAnswer =
  | { readonly code: number; readonly body: unknown; readonly retryAfter?: number }
  | { readonly code: 200; readonly watch: Watch; readonly timeoutMs: number }

/** The code of Kubernetes' own verb for a call, as RBAC names it. */
export const verbOf = (method: string, named: boolean, watching: boolean): string => {
  if (method === 'GET' || method === 'HEAD') return watching ? 'watch' : named ? 'get' : 'list'
  if (method === 'DELETE') return named ? 'delete' : 'deletecollection'
  return { POST: 'create', PUT: 'update', PATCH: 'patch' }[method] ?? method.toLowerCase()
}
