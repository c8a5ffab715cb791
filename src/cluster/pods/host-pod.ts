import { fieldManager, keys } from '../../calico/names.ts'
import type { KubeObject, ObjectRef } from '../../calico/object.ts'
import { resourceOf } from '../../calico/resources.ts'
import { FwError } from '../../errors.ts'
import type { Clock } from '../../rollout/clock.ts'
import type { Api } from '../api.ts'
import type { PodCommandResult, RunInPod } from './exec.ts'
import { hostPodObject, type ModelPod } from './host-pod-object.ts'

/** What short pods are made with. */
export interface HostPodContext {
  readonly api: Pick<Api, 'get' | 'list' | 'create' | 'delete' | 'request'>
  readonly clock: Pick<Clock, 'now' | 'sleep' | 'wall'>
  /** A short random text, new at each call: lower-case letters and digits. */
  readonly random: () => string
  /** Whether commands read the packet filter, which takes NET_ADMIN; without it the pod has no capability at all. */
  readonly netAdmin: boolean
}

interface PodStatus {
  readonly phase?: string
  readonly reason?: string
  readonly message?: string
  readonly containerStatuses?: readonly {
    readonly state?: {
      readonly waiting?: { readonly reason?: string; readonly message?: string }
      readonly terminated?: { readonly reason?: string; readonly message?: string }
    }
  }[]
}

const pollMs = 250
/** Deleting what was made gets this long each time, also after Ctrl-C. */
const cleanUpMs = 3_000
/** Older ones of a client that died are swept; younger ones may be somebody's at work. */
const sweptAfterMs = 600_000
/** The kubelet tries these again for ever; a look is over. */
const hopeless =
  /^(ErrImageNeverPull|ErrImagePull|ImagePullBackOff|InvalidImageName|CreateContainerConfigError|CreateContainerError|RunContainerError)$/

/**
 * Runs a command as `exec` in a calico-node pod would, where exec is not allowed: in a short hostNetwork pod beside it, on its node and from its image.
 * Connections it opens and interfaces and rules it reads are the node's; other processes it does not see. The answer comes by termination message, which
 * needs no kubelet port, and beyond 4,000 bytes by log, which does. The pod is deleted whatever happens, ends by its own deadline when nobody is left to
 * do that, and is swept by a later run.
 * @throws FwError FW_FORBIDDEN, FW_TIMEOUT, FW_NOT_FOUND, FW_API and what the API throws
 */
export const createHostPodShell = (context: HostPodContext): RunInPod => {
  const swept = new Set<string>()
  return async (run) => {
    const { namespace, pod, container, command, timeoutMs } = run
    const { api, clock, random, netAdmin } = context
    const until = clock.now() + timeoutMs
    const calls = { timeoutMs, ...(run.signal === undefined ? {} : { signal: run.signal }) }
    const model = (await api.get({ apiVersion: 'v1', kind: 'Pod', namespace, name: pod }, calls)) as ModelPod | undefined
    const node = model?.spec?.nodeName
    const image = model?.spec?.containers?.find(({ name }) => name === container)?.image
    if (model === undefined || node === undefined || image === undefined)
      throw new FwError('FW_NOT_FOUND', `not found: container ${container} in Pod ${namespace}/${pod}`, { fix: `kubectl get pods -n ${namespace}` })
    if (!swept.has(namespace)) {
      swept.add(namespace)
      await sweep(context, namespace)
    }
    const name = `calico-fw-look-${random()}`
    const ref: ObjectRef = { apiVersion: 'v1', kind: 'Pod', namespace, name }
    const deadlineSeconds = Math.max(1, Math.ceil(timeoutMs / 1_000))
    try {
      await api.create(hostPodObject(model, { name, namespace, node, image, command, deadlineSeconds, netAdmin }), calls)
      const told = await answerOf(context, ref, node, until, run.signal)
      return told.whole ? told.result : { ...told.result, stdout: await logOf(api, ref, told.bytes, calls) }
    } finally {
      // Also where creating it failed: a timeout does not tell whether it was made.
      await remove(api, ref)
    }
  }
}

interface Told {
  readonly result: PodCommandResult
  readonly bytes: number
  /** The termination message holds everything. */
  readonly whole: boolean
}

const answerOf = async ({ api, clock }: HostPodContext, ref: ObjectRef, node: string, until: number, signal?: AbortSignal): Promise<Told> => {
  for (;;) {
    signal?.throwIfAborted()
    const left = until - clock.now()
    if (left <= 0) throw new FwError('FW_TIMEOUT', `a pod on ${node} gave no answer in time`, { fix: `kubectl describe node ${node}` })
    const pod = await api.get(ref, { timeoutMs: Math.max(1, left), ...(signal === undefined ? {} : { signal }) })
    const status = (pod?.['status'] ?? {}) as PodStatus
    const { terminated, waiting } = status.containerStatuses?.[0]?.state ?? {}
    if (pod === undefined) throw failed(node, 'somebody deleted it')
    if (terminated !== undefined) return toldIn(terminated.message) ?? fail(node, terminated.reason)
    if (waiting?.reason !== undefined && hopeless.test(waiting.reason)) throw failed(node, waiting.message ?? waiting.reason)
    if (status.phase === 'Failed' || status.phase === 'Succeeded') throw failed(node, status.message ?? status.reason)
    await clock.sleep(Math.min(pollMs, left), signal)
  }
}

const toldIn = (message: string | undefined): Told | undefined => {
  const [, code, size, output = ''] = /^(\d+) (\d+)\n([\s\S]*)$/.exec(message ?? '') ?? []
  if (code === undefined) return undefined
  const bytes = Number(size)
  return { result: { stdout: output, stderr: '', exitCode: Number(code) }, bytes, whole: Buffer.byteLength(output) >= bytes }
}

const logOf = async (api: HostPodContext['api'], { namespace, name }: ObjectRef, bytes: number, calls: { timeoutMs: number }): Promise<string> => {
  const text = String(await api.request('GET', `/api/v1/namespaces/${namespace}/pods/${name}/log`, undefined, calls))
  if (Buffer.byteLength(text) >= bytes) return text
  throw new FwError('FW_API', `the log of Pod ${namespace}/${name} is cut short`, { why: `${Buffer.byteLength(text)} of ${bytes} bytes arrived` })
}

const failed = (node: string, why: string | undefined): FwError =>
  new FwError('FW_API', `a pod on ${node} ended without an answer`, { why: why ?? 'nothing tells why', fix: `kubectl describe node ${node}` })

const fail = (node: string, why: string | undefined): never => {
  throw failed(node, why)
}

/** Three times, each with a deadline of its own: the signal that ended the look must not end this. */
const remove = async (api: HostPodContext['api'], ref: ObjectRef): Promise<void> => {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      await api.delete(ref, { timeoutMs: cleanUpMs })
      return
    } catch (error) {
      // Without the right to delete it stays until its own deadline ends it; everything else may be better the next time.
      if (!(error instanceof FwError) || error.code === 'FW_FORBIDDEN') return
    }
  }
}

/** Whatever a client that died has left. */
const sweep = async ({ api, clock }: HostPodContext, namespace: string): Promise<void> => {
  const labelSelector = `${keys.managedBy}=${fieldManager},${keys.hostPod}`
  const left = await api.list(resourceOf('v1', 'Pod'), { namespace, labelSelector, timeoutMs: cleanUpMs }).catch((): KubeObject[] => [])
  const old = (left ?? []).filter(({ metadata }) => clock.wall().getTime() - Date.parse(metadata.creationTimestamp ?? '') > sweptAfterMs)
  for (const { metadata } of old) await remove(api, { apiVersion: 'v1', kind: 'Pod', namespace, name: metadata.name })
}
