import { FwError } from '../errors.ts'
import type { Credential, CredentialSource } from './credential.ts'
import { type PluginCredential, parseExecCredential } from './exec-credential.ts'
import { runPlugin } from './exec-plugin.ts'
import type { ExecConfig } from './kubeconfig-schema.ts'
import type { Pem } from './pem.ts'
import type { ResolvedKubeconfig } from './resolve-kubeconfig.ts'
import type { Workstation } from './workstation.ts'

/** A person may have to find a second factor the first time; later the terminal is busy with a rollout. */
const firstMs = 300_000
const laterMs = 60_000
/** A credential this close to its end is not used: it would expire on the way. Half of a shorter life. */
const skewMs = 60_000
/** Where a cluster keeps what its plugin wants to know. */
const extensionName = 'client.authentication.k8s.io/exec'

/** Credentials by an exec plugin: asked once, kept until shortly before they expire or the server refuses them. */
export const execCredentials = (exec: ExecConfig, resolved: ResolvedKubeconfig, ca: Pem | undefined, machine: Workstation): CredentialSource => {
  let known: { readonly credential: Credential; readonly usableUntil: number } | undefined
  let asking: PluginRun | undefined
  let asked = false
  const ask = async (signal: AbortSignal | undefined): Promise<Credential> => {
    const interactive = isInteractive(exec, resolved, machine)
    const info = {
      kind: 'ExecCredential',
      apiVersion: exec.apiVersion,
      spec: { interactive, ...(exec.provideClusterInfo ? { cluster: clusterInfo(resolved, ca) } : {}) },
    }
    const output = await runPlugin(exec, { info, interactive, userName: resolved.userName, timeoutMs: asked ? laterMs : firstMs, signal }, machine)
    const answer = parseExecCredential(output, exec)
    asked = true
    known = { credential: answer.credential, usableUntil: usableUntil(answer, machine.now()) }
    return answer.credential
  }
  const start = (): PluginRun => {
    const stop = new AbortController()
    const run: PluginRun = {
      stop,
      waiters: 0,
      answer: ask(stop.signal).finally(() => {
        if (asking === run) asking = undefined
      }),
    }
    return run
  }
  return {
    current: async (signal) => {
      if (known !== undefined && machine.now() < known.usableUntil) return known.credential
      // Many requests may wait for one run of the plugin: it may be asking a person.
      const run = asking ?? start()
      asking = run
      return awaited(run, signal, () => {
        if (asking === run) asking = undefined
      })
    },
    refuse: (spent) => {
      if (known?.credential === spent) known = undefined
      return true
    },
  }
}

/** One run of the plugin, for all who wait for it. It ends when nobody does. */
interface PluginRun {
  readonly answer: Promise<Credential>
  readonly stop: AbortController
  waiters: number
}

/** The answer of a run, for as long as this caller cares; the last one who no longer does stops the plugin, and hears from it that it was stopped. */
const awaited = (run: PluginRun, signal: AbortSignal | undefined, stopped: () => void): Promise<Credential> =>
  new Promise((resolve, reject) => {
    run.waiters++
    const leave = (): void => {
      run.waiters--
      signal?.removeEventListener('abort', giveUp)
    }
    const giveUp = (): void => {
      leave()
      if (run.waiters > 0) reject(new FwError('FW_INTERRUPTED', 'the request was given up while the credential plugin ran'))
      else {
        stopped()
        run.stop.abort()
      }
    }
    run.answer.then(resolve, reject).finally(() => {
      if (signal?.aborted !== true) leave()
    })
    if (signal?.aborted) giveUp()
    else signal?.addEventListener('abort', giveUp)
  })

const usableUntil = ({ expiresAt }: PluginCredential, now: number): number =>
  expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt - Math.min(skewMs, Math.max(0, expiresAt - now) / 2)

const isInteractive = (exec: ExecConfig, resolved: ResolvedKubeconfig, machine: Workstation): boolean => {
  if (exec.interactiveMode === 'Always' && !machine.terminal.isTerminal) {
    throw new FwError(
      'FW_CREDENTIALS',
      `the credential plugin ${exec.command} of user "${resolved.userName}" must ask at a terminal, and there is none`,
      {
        fix: 'run this in a terminal, or use a context whose plugin does not ask',
      },
    )
  }
  return exec.interactiveMode !== 'Never' && machine.terminal.isTerminal
}

const clusterInfo = ({ cluster, server }: ResolvedKubeconfig, ca: Pem | undefined): Record<string, unknown> => {
  const config = cluster.extensions.find(({ name }) => name === extensionName)?.extension
  return {
    server: server.href.replace(/\/$/, ''),
    ...(cluster['tls-server-name'] === '' ? {} : { 'tls-server-name': cluster['tls-server-name'] }),
    ...(cluster['insecure-skip-tls-verify'] ? { 'insecure-skip-tls-verify': true } : {}),
    ...(ca === undefined ? {} : { 'certificate-authority-data': ca.pem.toString('base64') }),
    ...(cluster['proxy-url'] === '' ? {} : { 'proxy-url': cluster['proxy-url'] }),
    ...(cluster['disable-compression'] ? { 'disable-compression': true } : {}),
    config: config ?? null,
  }
}
