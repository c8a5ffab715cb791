import * as v from 'valibot'
import { FwError } from '../../errors.ts'
import type { ExecConfig } from '../kubeconfig/kubeconfig-schema.ts'
import { bearer, type Credential } from './credential.ts'

const text = v.nullish(v.string(), '')
const execCredential = v.object({
  apiVersion: v.string(),
  kind: v.literal('ExecCredential'),
  status: v.object({
    token: text,
    clientCertificateData: text,
    clientKeyData: text,
    expirationTimestamp: v.nullish(v.pipe(v.string(), v.isoTimestamp())),
  }),
})

/** What a plugin gave us. */
export interface PluginCredential {
  readonly credential: Credential
  /** Milliseconds since 1970; absent: good until refused. */
  readonly expiresAt?: number
}

/**
 * Reads a plugin's ExecCredential. Its text is never quoted in an error: it may hold the credential.
 * @throws FwError FW_CREDENTIALS
 */
export const parseExecCredential = (output: string, exec: ExecConfig): PluginCredential => {
  const parsed = v.safeParse(execCredential, jsonOf(output))
  if (!parsed.success)
    throw useless(
      exec,
      `its output is no ExecCredential with a status: ${parsed.issues.map((issue) => v.getDotPath(issue) ?? 'not a JSON object').join(', ')}`,
    )
  const { apiVersion, status } = parsed.output
  if (apiVersion !== exec.apiVersion) throw useless(exec, `the kubeconfig says ${exec.apiVersion}, the plugin answers in ${apiVersion}`)
  const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp } = status
  if ((cert === '') !== (key === '')) throw useless(exec, 'it returned a certificate or a key, not both')
  if (token === '' && cert === '') throw useless(exec, 'it returned neither a token nor a certificate')
  return {
    credential: {
      ...(token === '' ? {} : { authorization: bearer(token) }),
      ...(cert === '' ? {} : { clientCertificate: { cert: Buffer.from(cert), key: Buffer.from(key) } }),
    },
    ...(expirationTimestamp ? { expiresAt: Date.parse(expirationTimestamp) } : {}),
  }
}

const jsonOf = (output: string): unknown => {
  try {
    return JSON.parse(output)
  } catch {
    return undefined
  }
}

const useless = (exec: ExecConfig, why: string): FwError =>
  new FwError('FW_CREDENTIALS', `the credential plugin ${exec.command} gave no usable credential`, {
    why,
    fix: `run it by hand and see what it prints: ${[exec.command, ...exec.args.map(() => '...').slice(0, 1)].join(' ')}`,
  })
