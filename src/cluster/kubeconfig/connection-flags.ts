import { FwError } from '../../errors.ts'

/** kubectl's connection flags, as parsed from our own command line: kubectl passes a plugin none of its own. Empty text counts as not given, as in kubectl. */
export interface ConnectionFlags {
  readonly kubeconfig?: string
  readonly context?: string
  readonly cluster?: string
  readonly user?: string
  readonly namespace?: string
  readonly server?: string
  readonly token?: string
  readonly certificateAuthority?: string
  readonly clientCertificate?: string
  readonly clientKey?: string
  readonly tlsServerName?: string
  readonly insecureSkipTlsVerify?: boolean
  readonly as?: string
  readonly asUid?: string
  readonly asGroup?: readonly string[]
  /** `key=value`, repeatable for several values of a key. */
  readonly asUserExtra?: readonly string[]
  /** Seconds, or a Go duration such as `1m30s`; `0` keeps our default, for no call of ours goes without a deadline. */
  readonly requestTimeout?: string
}

const millisecondsOf = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const
type Unit = keyof typeof millisecondsOf

/**
 * `--request-timeout` in milliseconds, or undefined for `0` and none.
 * @throws FwError FW_USAGE
 */
export const parseRequestTimeout = (text: string | undefined): number | undefined => {
  if (text === undefined || text === '') return undefined
  const total = /^\d+$/.test(text) ? Number(text) * 1_000 : durationOf(text)
  if (total === undefined || total > 2 ** 31 - 1) {
    throw new FwError('FW_USAGE', `--request-timeout "${text}" is not a length of time`, {
      fix: 'write seconds, or a number with its unit: --request-timeout 30s',
    })
  }
  return total === 0 ? undefined : Math.max(1, Math.round(total))
}

const durationOf = (text: string): number | undefined => {
  if (!/^(\d+(\.\d+)?(ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return undefined
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h)/g)
  return [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * millisecondsOf[unit as Unit], 0)
}
