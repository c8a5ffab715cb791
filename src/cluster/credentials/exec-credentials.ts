import { setTimeout as sleep } from 'node:timers/promises'
import { FwError } from '../../errors.ts'
import type { ExecConfig } from '../kubeconfig/kubeconfig-schema.ts'
import type { ResolvedKubeconfig } from '../kubeconfig/resolve-kubeconfig.ts'
import type { Workstation } from '../workstation.ts'
import type { Credential, CredentialSource } from './credential.ts'
import { type PluginCredential, parseExecCredential } from './exec-credential.ts'
import { runPlugin } from './exec-plugin.ts'
import type { Pem } from './pem.ts'

/** A person may have to find a second factor the first time; later the terminal is busy with a rollout. */
const firstMs = 300_000
const laterMs = 60_000
/** A credential this close to its end is renewed, in half of its life where that is shorter; until its end it is used meanwhile. */
const skewMs = 60_000
/** A plugin that failed to renew what is still good is asked again after so long. */
const retryMs = 10_000
/** Where a cluster keeps what its plugin wants to know. */
const extensionName = 'client.authentication.k8s.io/exec'

/** Credentials by an exec plugin: asked once, kept until shortly before they expire or the server refuses them. */
export const execCredentials = (exec: ExecConfig, resolved: ResolvedKubeconfig, ca: Pem | undefined, machine: Workstation): CredentialSource => {
  let known: { readonly credential: Credential; readonly renewAt: number; readonly endsAt: number } | undefined
  let askAgainAt = Number.NEGATIVE_INFINITY
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
    known = { credential: answer.credential, renewAt: renewAt(answer, machine.now()), endsAt: answer.expiresAt ?? Number.POSITIVE_INFINITY }
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
    current: async (signal, withinMs) => {
      const now = machine.now()
      if (known !== undefined && now < known.renewAt) return known.credential
      // An opening write must not wait for a plugin while what it has is good.
      if (known !== undefined && now < known.endsAt) {
        if (asking === undefined && now >= askAgainAt) {
          asking = start()
          askAgainAt = now + retryMs
          asking.answer.catch(() => undefined)
        }
        return known.credential
      }
      // Many requests may wait for one run of the plugin: it may be asking a person.
      const run = asking ?? start()
      asking = run
      const stopped = (): void => {
        if (asking === run) asking = undefined
      }
      if (!asked || withinMs === undefined) return awaited(run, signal, stopped)
      // Who has no more time leaves; the plugin goes on, or a slow one would never get to its end.
      return Promise.race([awaited(run, signal, stopped), tooLate(withinMs, exec, resolved)])
    },
    close: () => asking?.stop.abort(),
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

const tooLate = async (ms: number, exec: ExecConfig, { userName }: ResolvedKubeconfig): Promise<never> => {
  await sleep(ms, undefined, { ref: false })
  throw new FwError('FW_CREDENTIALS', `the credential plugin ${exec.command} of user "${userName}" has not answered within ${ms / 1_000} s`, {
    fix: 'sign in again, for example with: kubectl get --raw /version',
  })
}

const renewAt = ({ expiresAt }: PluginCredential, now: number): number =>
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
