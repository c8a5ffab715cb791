import { X509Certificate } from 'node:crypto'
import { isIP, type Socket } from 'node:net'
import tls from 'node:tls'
import { FwError } from '../../errors.ts'
import type { Credential } from '../credentials/credential.ts'
import type { Pem } from '../credentials/pem.ts'
import type { ResolvedKubeconfig } from '../kubeconfig/resolve-kubeconfig.ts'
import { hostOf } from './server-address.ts'

/** How TLS to the API server is done. */
export interface TlsSettings {
  /** The name or address the server's certificate must carry: tls-server-name, or the host of the kubeconfig's server, whatever address we dial. */
  readonly identity: string
  readonly insecure: boolean
  readonly ca: Pem | undefined
}

/** The TLS side of a resolved kubeconfig. */
export const tlsSettings = ({ cluster, server }: ResolvedKubeconfig, ca: Pem | undefined): TlsSettings => ({
  identity: cluster['tls-server-name'] || hostOf(server),
  insecure: cluster['insecure-skip-tls-verify'],
  ca,
})

/**
 * Keys and trust, parsed once for all connections. With a CA given, only that CA is trusted, as in Go, even one that another CA has signed; without one, the roots Node carries.
 * @throws FwError FW_KUBECONFIG when a PEM cannot be used
 */
export const secureContext = ({ ca }: TlsSettings, { clientCertificate }: Credential, userName: string): tls.SecureContext => {
  if (ca !== undefined) assertPem(() => tls.createSecureContext({ ca: ca.pem }), ca.pem, `the certificate authority from ${ca.source}`)
  const options: tls.SecureContextOptions = { minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca: ca.pem, allowPartialTrustChain: true }) }
  if (clientCertificate === undefined) return tls.createSecureContext(options)
  return assertPem(
    () => tls.createSecureContext({ ...options, ...clientCertificate }),
    clientCertificate.cert,
    `the client certificate and key of user "${userName}"`,
  )
}

/** TLS over a connection; the socket is returned before the handshake is done, and errors of either layer end it. */
export const secure = (raw: Socket, settings: TlsSettings, context: tls.SecureContext): tls.TLSSocket => {
  const socket = tls.connect({
    socket: raw,
    secureContext: context,
    host: settings.identity,
    // SNI carries names only (RFC 6066, section 3).
    servername: isIP(settings.identity) === 0 ? settings.identity : '',
    rejectUnauthorized: !settings.insecure,
    ALPNProtocols: ['http/1.1'],
  })
  raw.on('error', (error) => socket.destroy(error))
  return socket
}

/** When a client certificate ends, in milliseconds since 1970; undefined when it cannot be read. */
export const expiryOfCertificate = (pem: Buffer): number | undefined => {
  try {
    return Date.parse(new X509Certificate(pem).validTo)
  } catch {
    return undefined
  }
}

const assertPem = (make: () => tls.SecureContext, pem: Buffer, what: string): tls.SecureContext => {
  const isPem = pem.includes('-----BEGIN')
  try {
    if (!isPem) throw new Error('it is not PEM: there is no -----BEGIN line')
    return make()
  } catch (cause) {
    throw new FwError('FW_KUBECONFIG', `${what} cannot be used`, {
      why: cause instanceof Error ? cause.message : String(cause),
      fix: 'take the kubeconfig from the cluster anew, on kubeadm: /etc/kubernetes/admin.conf',
      cause,
    })
  }
}
