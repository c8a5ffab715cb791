import tls from 'node:tls'
import type { Dial } from './dialing-agent.ts'
import type { OpenSocket } from './network.ts'
import { proxyFor } from './proxy-choice.ts'
import { dialThroughProxy, proxyAuthorization } from './proxy-dial.ts'
import { hostOf, portOf } from './server-address.ts'
import { secure, type TlsSettings } from './tls-settings.ts'

/** The way from here to one address of the API server. */
export interface Route {
  readonly dial: Dial
  /** What the request line says for a path: the path, or the whole URL where an http proxy forwards plain http. */
  readonly target: (url: URL) => string
  readonly headers: Readonly<Record<string, string>>
}

/** What a route is laid out from. */
export interface RouteOptions {
  /** The kubeconfig's proxy-url; empty when it has none. */
  readonly proxyUrl: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly openSocket: OpenSocket
  readonly tls: TlsSettings
  readonly context: tls.SecureContext
}

/** Lays out the way to `url`: direct or through a proxy, with TLS for https. The certificate is checked for the kubeconfig's server whatever the address. */
export const routeTo = (url: URL, options: RouteOptions): Route => {
  const { openSocket, context } = options
  const target = { host: hostOf(url), port: portOf(url) }
  const isTls = url.protocol === 'https:'
  const proxy = proxyFor(url, options.proxyUrl, options.env)
  const path = (to: URL): string => `${to.pathname}${to.search}`
  if (proxy === undefined) {
    const direct: Dial = () => (isTls ? secure(openSocket(target.host, target.port), options.tls, context) : openSocket(target.host, target.port))
    return { dial: direct, target: path, headers: {} }
  }
  if (!isTls && proxy.protocol === 'http:') {
    return { dial: () => openSocket(hostOf(proxy), portOf(proxy)), target: (to) => to.href, headers: proxyAuthorization(proxy) }
  }
  // Go lets the cluster's authority vouch for an https proxy too.
  const trust = [...tls.rootCertificates, ...(options.tls.ca === undefined ? [] : [options.tls.ca.pem])]
  const tunnelled: Dial = async (signal) => {
    const socket = await dialThroughProxy(proxy, target, trust, openSocket, signal)
    return isTls ? secure(socket, options.tls, context) : socket
  }
  return { dial: tunnelled, target: path, headers: {} }
}
