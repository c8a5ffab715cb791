import { BlockList, isIP, isIPv4 } from 'node:net'
import { hostOf, portOf } from './server-address.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The proxy a request to `target` goes through: `proxy-url` of the kubeconfig for everything; else HTTPS_PROXY or HTTP_PROXY by the target's
 * scheme, lower case first, unless NO_PROXY, a loopback address or `localhost` says to go straight (Go's golang.org/x/net/http/httpproxy).
 */
export const proxyFor = (target: URL, proxyUrl: string, env: Environment): URL | undefined => {
  if (proxyUrl !== '') return new URL(proxyUrl)
  const configured = target.protocol === 'https:' ? anyOf(env, 'https_proxy') : anyOf(env, 'http_proxy')
  const proxy = proxyUrlOf(configured)
  return proxy !== undefined && usesProxy(target, anyOf(env, 'no_proxy')) ? proxy : undefined
}

const anyOf = (env: Environment, name: string): string => env[name] || env[name.toUpperCase()] || ''

const proxyUrlOf = (text: string): URL | undefined => {
  if (text === '') return undefined
  const complete = /^[a-z0-9+.-]+:\/\/./i.test(text) ? text : `http://${text}`
  return URL.canParse(complete) ? new URL(complete) : undefined
}

const usesProxy = (target: URL, noProxy: string): boolean => {
  const host = hostOf(target).toLowerCase()
  if (host === 'localhost' || isLoopback(host)) return false
  const entries = noProxy.split(',').map((entry) => entry.trim().toLowerCase())
  return !entries.some((entry) => entry === '*' || matches(entry, host, String(portOf(target))))
}

const isLoopback = (host: string): boolean => inNetwork(host, '127.0.0.0', 8) || host === '::1'

const matches = (entry: string, host: string, port: string): boolean => {
  const network = /^(.+)\/(\d{1,3})$/.exec(entry)
  if (network !== null && isIP(network[1] ?? '') !== 0) return inNetwork(host, network[1] ?? '', Number(network[2]))
  const { name, port: wanted } = splitPort(entry)
  if (name === '' || (wanted !== '' && wanted !== port)) return false
  if (isIP(name) !== 0) return inNetwork(host, name, isIPv4(name) ? 32 : 128)
  if (isIP(host) !== 0) return false
  // `.example.com` and `*.example.com` mean what is below it, `example.com` means it too.
  const below = name.startsWith('*.') ? name.slice(1) : name.startsWith('.') ? name : `.${name}`
  return host.endsWith(below) || (below.slice(1) === name && host === name)
}

const splitPort = (entry: string): { name: string; port: string } => {
  const bracketed = /^\[(.+)\](?::(\d+))?$/.exec(entry)
  if (bracketed !== null) return { name: bracketed[1] ?? '', port: bracketed[2] ?? '' }
  const single = /^([^:]*):(\d+)$/.exec(entry)
  return single === null ? { name: entry, port: '' } : { name: single[1] ?? '', port: single[2] ?? '' }
}

const inNetwork = (host: string, network: string, length: number): boolean => {
  const family = isIP(network)
  if (isIP(host) !== family || length > (family === 4 ? 32 : 128)) return false
  const list = new BlockList()
  list.addSubnet(network, length, family === 4 ? 'ipv4' : 'ipv6')
  return list.check(host, family === 4 ? 'ipv4' : 'ipv6')
}
