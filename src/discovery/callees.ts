import type { CalleeFacts, UrlCalleeFacts } from '../firewall/facts/facts.ts'
import type { ApiServiceObject, WebhookConfigurationObject } from './kube-objects.ts'

/** The API server's own default for a Service it calls. */
const defaultPort = 443

/** The Services the API server calls: behind webhooks, and behind aggregated APIs. One named twice by the same caller is told once. */
export const calleesOf = (webhooks: readonly WebhookConfigurationObject[], apiServices: readonly ApiServiceObject[]): CalleeFacts[] => {
  const called = [
    ...webhooks.flatMap(({ kind, metadata, webhooks: hooks = [] }) =>
      hooks.flatMap(({ clientConfig }) => calleeOf(`${kind} ${metadata.name}`, clientConfig?.service)),
    ),
    ...apiServices.flatMap(({ metadata, spec }) => calleeOf(`APIService ${metadata.name}`, spec?.service ?? undefined)),
  ]
  return [...new Map(called.map((one) => [JSON.stringify(one), one])).values()]
}

const calleeOf = (
  caller: string,
  called: { readonly namespace: string; readonly name: string; readonly port?: number } | undefined,
): CalleeFacts[] => (called === undefined ? [] : [{ caller, namespace: called.namespace, service: called.name, port: called.port ?? defaultPort }])

/** Webhooks the API server calls by URL: hosts of anywhere, which only a list for egress can cut. One on the control plane's own loopback cannot be cut. */
export const urlCalleesOf = (webhooks: readonly WebhookConfigurationObject[]): { readonly urlCallees?: readonly UrlCalleeFacts[] } => {
  const called = webhooks.flatMap(({ kind, metadata, webhooks: hooks = [] }) =>
    hooks.flatMap(({ clientConfig }) => urlCalleeOf(`${kind} ${metadata.name}`, clientConfig?.url)),
  )
  const urlCallees = [...new Map(called.map((one) => [JSON.stringify(one), one])).values()]
  return urlCallees.length === 0 ? {} : { urlCallees }
}

const urlCalleeOf = (caller: string, url = ''): UrlCalleeFacts[] => {
  if (!URL.canParse(url)) return []
  const { hostname, port } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  return host === 'localhost' || host.startsWith('127.') || host === '::1' ? [] : [{ caller, host, port: port === '' ? defaultPort : Number(port) }]
}
