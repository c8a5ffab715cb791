import type { KubeObject } from '../../calico/object.ts'
import type { Kind } from './kind.ts'
import { ApiFailure, internalError } from './status.ts'

/** A write as admission sees it. */
interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE'
  readonly kind: Kind
  /** The new object; the old one for DELETE. */
  readonly object: KubeObject
  readonly user: string
  readonly dryRun: boolean
}

/** A policy engine's webhook, as far as a client notices it. */
export interface Webhook {
  readonly name: string
  /** Absent: every operation. */
  readonly operations?: readonly AdmissionRequest['operation'][]
  /** Kinds by name; absent: every kind. */
  readonly kinds?: readonly string[]
  /** Its backend does not answer, and its failurePolicy is Fail: every matching write fails. */
  readonly dead?: boolean
  /** The reason to refuse, or undefined. */
  readonly deny?: (request: AdmissionRequest) => string | undefined
  /** What it makes of the object. */
  readonly mutate?: (object: KubeObject, request: AdmissionRequest) => KubeObject
}

/** The webhooks every write passes, those of the cluster's own controllers included. */
export interface Admission {
  /** Registers a webhook; the answer takes it away again. */
  add(webhook: Webhook): () => void
  /** The object as mutating webhooks leave it. */
  mutate(request: AdmissionRequest): KubeObject
  /** @throws ApiFailure when a webhook refuses or is dead */
  validate(request: AdmissionRequest): void
}

const matches = ({ operations, kinds }: Webhook, { operation, kind }: AdmissionRequest): boolean =>
  (operations ?? [operation]).includes(operation) && (kinds ?? [kind.kind]).includes(kind.kind)

const callDead = (name: string): ApiFailure =>
  internalError(`failed calling webhook "${name}": failed to call webhook: Post "https://${name}:443/": dial tcp: connect: connection refused`)

/** Admission without webhooks. */
export const createAdmission = (): Admission => {
  const webhooks = new Set<Webhook>()
  const matching = (request: AdmissionRequest): Webhook[] => [...webhooks].filter((webhook) => matches(webhook, request))
  return {
    add: (webhook) => {
      webhooks.add(webhook)
      return () => {
        webhooks.delete(webhook)
      }
    },
    mutate: (request) => matching(request).reduce((object, { mutate }) => mutate?.(object, { ...request, object }) ?? object, request.object),
    validate: (request) => {
      for (const { name, dead, deny } of matching(request)) {
        if (dead === true) throw callDead(name)
        const reason = deny?.(request)
        if (reason !== undefined) throw new ApiFailure(403, 'Forbidden', `admission webhook "${name}" denied the request: ${reason}`)
      }
    },
  }
}
