import { spawn } from 'node:child_process'
import { FwError } from '../../errors.ts'
import { printable } from '../errors/printable.ts'
import type { ExecConfig } from '../kubeconfig/kubeconfig-schema.ts'
import type { Workstation } from '../workstation.ts'

/** One run of a credential plugin. */
export interface PluginRun {
  /** KUBERNETES_EXEC_INFO. */
  readonly info: unknown
  /** Whether the plugin may read the operator's terminal. */
  readonly interactive: boolean
  readonly userName: string
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

/** No ExecCredential is near this long. */
const maxBytes = 1 << 20

/**
 * Runs a credential plugin as kubectl does (client-go plugin/pkg/client/auth/exec) and returns what it printed: its stderr is the operator's,
 * so that a device code can be seen; its stdin too where it may ask.
 * @throws FwError FW_CREDENTIALS
 */
export const runPlugin = (exec: ExecConfig, run: PluginRun, machine: Workstation): Promise<string> => {
  const own = Object.fromEntries(exec.env.map(({ name, value }) => [name, value]))
  const env = { ...machine.env, ...own, KUBERNETES_EXEC_INFO: JSON.stringify(run.info) }
  const signal = AbortSignal.any([AbortSignal.timeout(Math.ceil(run.timeoutMs)), ...(run.signal === undefined ? [] : [run.signal])])
  return new Promise((resolve, reject) => {
    const child = spawn(exec.command, exec.args, {
      env,
      stdio: [run.interactive ? machine.terminal.stdin : 'ignore', 'pipe', machine.terminal.stderr],
      signal,
      killSignal: 'SIGKILL',
      windowsHide: !run.interactive,
    })
    const chunks: Buffer[] = []
    let bytes = 0
    child.stdout?.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= maxBytes) chunks.push(chunk)
      else child.kill('SIGKILL')
    })
    child.on('error', (cause) => reject(signal.aborted ? interrupted(exec, run) : notStarted(exec, run, cause)))
    child.on('close', (code, killedBy) => {
      if (code === 0) resolve(Buffer.concat(chunks).toString('utf8'))
      else
        reject(
          signal.aborted
            ? interrupted(exec, run)
            : failed(exec, run, code === null ? `it was ended by ${killedBy}` : `it ended with exit code ${code}`),
        )
    })
  })
}

const pluginOf = (exec: ExecConfig, run: PluginRun): string => `the credential plugin ${exec.command} of user "${run.userName}"`

const notStarted = (exec: ExecConfig, run: PluginRun, cause: Error): FwError => {
  const missing = 'code' in cause && cause.code === 'ENOENT'
  const hint = printable(exec.installHint).trim()
  return new FwError('FW_CREDENTIALS', `${pluginOf(exec, run)} ${missing ? 'is not installed' : 'cannot be started'}`, {
    why: missing ? `${exec.command} is not in PATH` : cause.message,
    fix: hint === '' ? `install ${exec.command}, then try: kubectl get --raw /version` : hint,
    cause,
  })
}

const failed = (exec: ExecConfig, run: PluginRun, why: string): FwError =>
  new FwError('FW_CREDENTIALS', `${pluginOf(exec, run)} failed`, {
    why,
    fix: 'sign in again as the plugin asks above, then try: kubectl get --raw /version',
  })

const interrupted = (exec: ExecConfig, run: PluginRun): FwError =>
  run.signal?.aborted
    ? new FwError('FW_INTERRUPTED', `${pluginOf(exec, run)} was stopped`, { cause: run.signal.reason })
    : new FwError('FW_CREDENTIALS', `${pluginOf(exec, run)} did not answer`, {
        why: `it ran for ${run.timeoutMs / 1_000} s`,
        fix: 'sign in first, for example with: kubectl get --raw /version',
      })
