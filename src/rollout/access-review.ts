import type { Api, CallOptions } from '../cluster/api.ts'

/** What one may do, as RBAC asks. */
export interface Access {
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly namespace?: string
  readonly name?: string
}

/** Asks the API server whether we may, by a SelfSubjectAccessReview, which everybody may create. */
export const isAllowed = async (api: Pick<Api, 'request'>, access: Access, options?: CallOptions): Promise<boolean> => {
  const review = (await api.request(
    'POST',
    '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes: access } },
    options,
  )) as { readonly status?: { readonly allowed?: boolean } }
  return review.status?.allowed === true
}
