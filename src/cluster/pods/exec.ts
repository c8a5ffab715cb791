import { type Readable, Writable } from 'node:stream'
import type { KubeConfig, V1Status } from '@kubernetes/client-node'
import { FwError } from '../../errors.ts'
import { networkError } from '../errors/network-error.ts'
import { canI, formatRequest, requestWords } from '../errors/request-words.ts'
import { callSignal } from '../transport/call-signal.ts'
import type { Connection } from '../transport/connection.ts'
import { authorityOf, hostOf, portOf } from '../transport/server-address.ts'

/** A command to run in a container; no shell, no terminal. */
export interface PodCommand {
  readonly namespace: string
  readonly pod: string
  readonly container: string
  readonly command: readonly string[]
  /** Milliseconds from now until it must have ended, connecting included. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  /** The command's stdin; absent: none. Its end is the command's to notice. */
  readonly input?: Readable
  /** Told what the command prints as it prints it; then none of that is kept. */
  readonly onOutput?: (text: string) => void
}

/** What the command left behind. */
export interface PodCommandResult {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
}

/** {@link execInPod} on a connection already chosen: how rooms that look into nodes are given it. */
export type RunInPod = (run: PodCommand) => Promise<PodCommandResult>

/** Longest output kept of each stream, in bytes. */
const maxBytes = 8 << 20

/**
 * Runs a command in a running container over client-node's websocket, on a connection of its own. client-node ends on its own neither when the
 * socket drops nor when the command hangs, so both are watched here. Only its file for exec is loaded: the whole package takes half a second.
 * @throws FwError FW_TIMEOUT, FW_UNREACHABLE, FW_TLS, FW_FORBIDDEN, FW_UNAUTHORIZED, FW_NOT_FOUND, FW_API
 */
export const execInPod = async (connection: Connection, run: PodCommand): Promise<PodCommandResult> => {
  const { namespace, pod, container, command, timeoutMs } = run
  const { Exec } = await import('@kubernetes/client-node/dist/exec.js')
  const { signal, release } = callSignal(timeoutMs, run.signal)
  const { headers, agent, url, close } = await connection.upgrade(signal).catch((error: unknown) => {
    release()
    throw error
  })
  // The two calls exec makes of a KubeConfig. client-node's would make its own agent and its own idea of credentials; ours dial, verify and impersonate as
  // every other call does.
  const config: Pick<KubeConfig, 'getCurrentCluster' | 'applyToHTTPSOptions'> = {
    getCurrentCluster: () => ({ name: 'cluster', server: url.href.replace(/\/$/, ''), skipTLSVerify: false }),
    applyToHTTPSOptions: async (options) => {
      Object.assign(options, { headers, agent, dialSignal: signal })
    },
  }
  const context = {
    words: requestWords('POST', `/api/v1/namespaces/${namespace}/pods/${pod}/exec`),
    authority: authorityOf(hostOf(url), portOf(url)),
    readOnly: false,
    timeoutMs,
    caSource: undefined,
    signal: run.signal,
  }
  const [stdout, stderr] = [collector(run.onOutput), collector()]
  let stop: (() => void) | undefined
  try {
    const status = await new Promise<V1Status>((resolve, reject) => {
      stop = () => reject(signal.reason)
      signal.addEventListener('abort', stop, { once: true })
      if (signal.aborted) stop()
      new Exec(config as KubeConfig)
        .exec(namespace, pod, container, [...command], stdout.stream, stderr.stream, run.input ?? null, false, resolve)
        .then((socket) => {
          signal.addEventListener('abort', () => socket.terminate(), { once: true })
          socket.on('close', () => reject(new Error('the connection closed before the command had ended')))
          socket.on('error', reject)
          if (signal.aborted) socket.terminate()
        }, reject)
    })
    return { stdout: stdout.text(), stderr: stderr.text(), exitCode: exitCodeOf(status, context.words) }
  } catch (thrown) {
    const cause = causeOf(thrown)
    throw refusedUpgrade(cause, connection, context.words) ?? networkError(cause, context)
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop)
    release()
    close()
  }
}

const collector = (onOutput?: (text: string) => void): { stream: Writable; text: () => string } => {
  const chunks: Buffer[] = []
  let bytes = 0
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (onOutput !== undefined) {
        onOutput(chunk.toString('utf8'))
        return done()
      }
      bytes += chunk.length
      if (bytes <= maxBytes) chunks.push(chunk)
      done()
    },
  })
  return { stream, text: () => Buffer.concat(chunks).toString('utf8') }
}

/** The websocket library rejects with an ErrorEvent around the error. */
const causeOf = (thrown: unknown): unknown => (typeof thrown === 'object' && thrown !== null && 'error' in thrown ? thrown.error : thrown)

const exitCodeOf = (status: V1Status, words: ReturnType<typeof requestWords>): number => {
  if (status.status === 'Success') return 0
  const code = Number(status.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message)
  if (Number.isInteger(code)) return code
  throw new FwError('FW_API', `the command could not be run: ${formatRequest(words)}`, {
    why: status.message ?? status.reason ?? 'the server does not say why',
    fix: 'see the pod: kubectl describe pod',
  })
}

/** Only the HTTP status of a refused upgrade survives in the websocket library's error. */
const refusedUpgrade = (cause: unknown, { resolved }: Connection, words: ReturnType<typeof requestWords>): FwError | undefined => {
  const status = cause instanceof Error ? /^Unexpected server response: (\d{3})$/.exec(cause.message)?.[1] : undefined
  if (status === undefined) return undefined
  const request = formatRequest(words)
  const why = `HTTP ${status}`
  if (status === '401')
    return new FwError('FW_UNAUTHORIZED', `the credentials of user "${resolved.userName}" are not accepted: ${request}`, {
      why,
      fix: 'sign in again; then check: kubectl auth whoami',
      cause,
    })
  if (status === '403')
    return new FwError('FW_FORBIDDEN', `user "${resolved.user.as || resolved.userName}" may not ${request}`, {
      why,
      fix: `ask a cluster admin for that right; then check: ${canI(words, resolved.kubectlFlags)}`,
      cause,
    })
  if (status === '404') return new FwError('FW_NOT_FOUND', `not found: ${request}`, { why, fix: 'check that the pod runs: kubectl get pods', cause })
  return new FwError('FW_API', `the server refuses to open a websocket: ${request}`, {
    why,
    fix: 'see whether the API server reaches the kubelet: kubectl get --raw /readyz?verbose',
    cause,
  })
}
