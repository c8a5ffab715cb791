import { FwError } from '../../errors.ts'
import { printable } from './printable.ts'

/** Where TLS failed. */
interface TlsContext {
  readonly authority: string
  readonly caSource: string | undefined
}

const untrusted = [
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'INVALID_CA',
  'INVALID_PURPOSE',
]

/** The FW_TLS error of a failed handshake, each kind with what mends it; undefined when it failed for another reason. */
export const tlsError = (cause: unknown, code: string, { authority, caSource }: TlsContext): FwError | undefined => {
  const error = (what: string, fix: string, why: string = messageOf(cause)): FwError =>
    new FwError('FW_TLS', what, { why: `${why} (${code})`, fix, cause })
  if (untrusted.includes(code)) {
    return caSource === undefined
      ? error(`the certificate of ${authority} is signed by nobody we know`, 'name its authority: --certificate-authority FILE')
      : error(
          `the certificate of ${authority} is not signed by the authority from ${caSource}`,
          'take a new kubeconfig from the cluster; if it is new, somebody stands between you and the server',
        )
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = namesOf(cause)
    const choice = names.length === 0 ? 'NAME' : (names[0] ?? 'NAME')
    return error(
      `the certificate of ${authority} is for another name`,
      `if it is the right server: --tls-server-name ${choice}`,
      names.length === 0 ? messageOf(cause) : `it is for ${names.join(', ')}`,
    )
  }
  if (code === 'CERT_HAS_EXPIRED')
    return error(`the certificate of ${authority} has expired`, 'renew it on the server (kubeadm certs renew apiserver), or set your clock')
  if (code === 'CERT_NOT_YET_VALID') return error(`the certificate of ${authority} is not valid yet`, 'set your clock, or wait')
  // What OpenSSL itself says comes as EPROTO with its words in the message, or as ERR_SSL_ and its words.
  const openssl = `${code} ${messageOf(cause)}`.toLowerCase().replaceAll('_', ' ')
  if (/wrong version number|packet length|http request/.test(openssl))
    return error(`${authority} does not speak TLS`, 'check the port, or write http:// if it is meant to be in the clear')
  if (/ alert /.test(openssl))
    return error(`${authority} does not accept our certificate`, 'take a new kubeconfig from the cluster: the client certificate is not for it')
  if (code === 'EPROTO' || code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS'))
    return error(`TLS with ${authority} fails`, 'check that the server is the one in the kubeconfig')
  return undefined
}

/** Names a certificate carries, the ones that are names before addresses. */
const namesOf = (cause: unknown): string[] => {
  const certificate = cause instanceof Error && 'cert' in cause && typeof cause.cert === 'object' ? cause.cert : undefined
  const alternatives = certificate !== null && certificate !== undefined && 'subjectaltname' in certificate ? String(certificate.subjectaltname) : ''
  const all = alternatives.split(', ').map((entry) => /^(DNS|IP Address):(.+)$/.exec(entry))
  const ofKind = (kind: string): string[] => all.flatMap((match) => (match?.[1] === kind && match[2] !== undefined ? [printable(match[2], 253)] : []))
  return [...ofKind('DNS'), ...ofKind('IP Address')]
}

/** OpenSSL's own errors read `... error:NUMBER:library:function:reason:file:line:`; the reason is what says something. */
const messageOf = (cause: unknown): string => {
  const message = cause instanceof Error ? cause.message : String(cause)
  return printable(/error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):/.exec(message)?.[1] ?? message, 300)
}
