import type { Agent } from 'node:http'
import type { Credential } from '../credentials/credential.ts'
import type { ResolvedKubeconfig } from '../kubeconfig/resolve-kubeconfig.ts'
import type { Workstation } from '../workstation.ts'
import { dialingAgent } from './dialing-agent.ts'
import type { OpenSocket } from './network.ts'
import { type Route, routeTo } from './route.ts'
import { secureContext, type TlsSettings } from './tls-settings.ts'

/** A route with the agent that keeps its connections. */
interface Way {
  readonly route: Route
  readonly agent: Agent
  /** Closes its connections. */
  close(): void
}

/** Every way to one cluster. */
export interface Ways {
  /** The kept-alive way to the kubeconfig's server with these credentials. */
  kept(credential: Credential): Way
  /** What goes the kept way from now on dials anew: a connection of it gave no answer, and idle ones may be as dead. */
  retire(way: Way): void
  /** A way of one connection, which the caller closes. */
  fresh(to: URL, credential: Credential): Way
  close(): void
}

/** Makes ways on demand. Connections are bound to the client certificate they were opened with: a renewed one gets its own, and the old ones idle out. */
export const createWays = (resolved: ResolvedKubeconfig, tls: TlsSettings, env: Workstation['env'], openSocket: OpenSocket): Ways => {
  const open = new Set<Way>()
  let latest: { readonly certificate: Credential['clientCertificate']; readonly way: Way } | undefined
  const wayTo = (to: URL, credential: Credential, keepAlive: boolean): Way => {
    const context = secureContext(tls, credential, resolved.userName)
    const route = routeTo(to, { proxyUrl: resolved.cluster['proxy-url'], env, openSocket, tls, context })
    const agent = dialingAgent(to.protocol, route.dial, keepAlive)
    const way = {
      route,
      agent,
      close: () => {
        agent.destroy()
        open.delete(way)
      },
    }
    open.add(way)
    return way
  }
  return {
    kept: (credential) => {
      if (latest === undefined || latest.certificate !== credential.clientCertificate) {
        latest = { certificate: credential.clientCertificate, way: wayTo(resolved.server, credential, true) }
      }
      return latest.way
    },
    retire: (way) => {
      if (latest?.way === way) latest = undefined
      for (const idle of Object.values(way.agent.freeSockets).flat()) idle?.destroy()
    },
    fresh: (to, credential) => wayTo(to, credential, false),
    close: () => {
      for (const way of open) way.close()
      latest = undefined
    },
  }
}
