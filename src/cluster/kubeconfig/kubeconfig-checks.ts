import { FwError } from '../../errors.ts'
import type { ClusterEntry, ExecConfig, UserEntry } from './kubeconfig-schema.ts'

/**
 * What kubectl refuses about a cluster entry (client-go tools/clientcmd/validation.go).
 * @throws FwError FW_KUBECONFIG
 */
export const checkCluster = (name: string, entry: ClusterEntry): void => {
  if (entry['certificate-authority'] !== '' && entry['certificate-authority-data'] !== undefined) {
    throw refused(`cluster "${name}"`, 'certificate-authority and certificate-authority-data are both given', 'keep one of them')
  }
  if (entry['insecure-skip-tls-verify'] && (entry['certificate-authority'] !== '' || entry['certificate-authority-data'] !== undefined)) {
    throw refused(`cluster "${name}"`, 'it names a certificate authority and asks not to check it', 'remove insecure-skip-tls-verify')
  }
  const proxy = entry['proxy-url']
  if (proxy !== '' && !(URL.canParse(proxy) && ['http:', 'https:', 'socks5:'].includes(new URL(proxy).protocol))) {
    throw refused(`cluster "${name}"`, 'its proxy-url is not an http, https or socks5 URL', 'write proxy-url: http://HOST:PORT')
  }
}

/**
 * What kubectl refuses about a user entry (client-go tools/clientcmd/validation.go).
 * @throws FwError FW_KUBECONFIG
 */
export const checkUser = (name: string, entry: UserEntry): void => {
  const refuse = (why: string, fix: string): FwError => refused(`user "${name}"`, why, fix)
  const hasCertificate = entry['client-certificate'] !== '' || entry['client-certificate-data'] !== undefined
  const hasKey = entry['client-key'] !== '' || entry['client-key-data'] !== undefined
  for (const key of ['client-certificate', 'client-key'] as const) {
    if (hasCertificate && entry[key] !== '' && entry[`${key}-data`] !== undefined)
      throw refuse(`${key} and ${key}-data are both given`, 'keep one of them')
  }
  if (hasCertificate && !hasKey)
    throw refuse('a client certificate is given without its key', 'add client-key or client-key-data, or --client-key FILE')
  if (entry.token !== '' && (entry.username !== '' || entry.password !== ''))
    throw refuse('a token and a username are both given', 'keep one of them')
  if (entry.as === '' && (entry['as-uid'] !== '' || entry['as-groups'].length > 0 || Object.keys(entry['as-user-extra']).length > 0)) {
    throw refuse('a group, uid or extra is impersonated without a user', 'add --as USER')
  }
  if (entry.exec) checkExec(entry.exec, refuse)
  if (entry.exec && entry['auth-provider']) throw refuse('exec and auth-provider are both given', 'keep one of them')
}

/** Versions of the credential plugin protocol that kubectl still speaks; v1alpha1 ended with 1.24. */
const execVersions = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1']

const checkExec = (exec: ExecConfig, refuse: (why: string, fix: string) => FwError): void => {
  if (exec.command === '') throw refuse('its credential plugin has no command', 'set exec.command')
  if (!execVersions.includes(exec.apiVersion))
    throw refuse(`its credential plugin speaks "${exec.apiVersion}"`, `set exec.apiVersion to ${execVersions.join(' or ')}`)
  if (exec.env.some(({ name }) => name === ''))
    throw refuse('its credential plugin has an environment variable without a name', 'set exec.env[].name')
  const modes = exec.apiVersion.endsWith('/v1beta1') ? ['', 'Never', 'IfAvailable', 'Always'] : ['Never', 'IfAvailable', 'Always']
  if (!modes.includes(exec.interactiveMode))
    throw refuse(`its credential plugin has interactiveMode "${exec.interactiveMode}"`, 'set exec.interactiveMode to Never, IfAvailable or Always')
}

const refused = (what: string, why: string, fix: string): FwError =>
  new FwError('FW_KUBECONFIG', `the kubeconfig's ${what} contradicts itself`, { why, fix })
