import { fieldsOf, textAt } from '../json.ts'
import { ApiFailure, qualified } from './status.ts'

/** Who wants to do what. */
export interface Attributes {
  readonly user: string
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly subresource?: string
  readonly namespace?: string
  readonly name?: string
}

/** What is not allowed: every field that is given must match. */
export type Denial = Partial<Attributes>

/** Allows everything to everyone who is known, except what was denied. */
export interface Authorizer {
  /** Takes a right away; the answer gives it back. */
  deny(denial: Denial): () => void
  allows(attributes: Attributes): boolean
}

/** The name of a caller without credentials. */
export const anonymous = 'system:anonymous'

/** An authorizer without denials. */
export const createAuthorizer = (): Authorizer => {
  const denials = new Set<Denial>()
  return {
    deny: (denial) => {
      denials.add(denial)
      return () => {
        denials.delete(denial)
      }
    },
    allows: (attributes) => {
      const wanted: Readonly<Record<string, string | undefined>> = { ...attributes }
      const denied = [...denials].some((denial) => Object.entries(denial).every(([field, value]) => value === undefined || wanted[field] === value))
      return !denied && attributes.user !== anonymous
    },
  }
}

/** 403 in RBAC's words. */
export const forbiddenTo = ({ user, verb, group, resource, subresource, namespace, name }: Attributes): ApiFailure => {
  const whole = subresource === undefined ? resource : `${resource}/${subresource}`
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`
  const subject = `${qualified({ group, plural: resource })}${name === undefined ? '' : ` "${name}"`}`
  const message = `${subject} is forbidden: User "${user}" cannot ${verb} resource "${whole}" in API group "${group}" ${where}`
  const details = { ...(name === undefined ? {} : { name }), ...(group === '' ? {} : { group }), kind: resource }
  return new ApiFailure(403, 'Forbidden', message, { details })
}

/** Answers a SelfSubjectAccessReview. */
export const reviewAccess = (authorizer: Authorizer, user: string, review: unknown): unknown => {
  const asked = fieldsOf(fieldsOf(fieldsOf(review)['spec'])['resourceAttributes'])
  const optional = (field: string): Record<string, string> => {
    const value = textAt(asked, field)
    return value === undefined || value === '' ? {} : { [field]: value }
  }
  const attributes: Attributes = {
    ...{ user, verb: textAt(asked, 'verb') ?? '', group: textAt(asked, 'group') ?? '', resource: textAt(asked, 'resource') ?? '' },
    ...optional('subresource'),
    ...optional('namespace'),
    ...optional('name'),
  }
  const allowed = authorizer.allows(attributes)
  return {
    ...{ kind: 'SelfSubjectAccessReview', apiVersion: 'authorization.k8s.io/v1', metadata: {}, spec: fieldsOf(review)['spec'] },
    status: allowed ? { allowed, reason: 'RBAC: allowed by ClusterRoleBinding "cluster-admin"' } : { allowed },
  }
}
