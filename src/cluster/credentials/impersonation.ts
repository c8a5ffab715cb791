import { FwError } from '../../errors.ts'
import type { UserEntry } from '../kubeconfig/kubeconfig-schema.ts'

/**
 * The headers of `--as` and its kin: one line for each group and each value of an extra, which is why they are arrays (client-go
 * transport/round_trippers.go).
 * @throws FwError FW_USAGE
 */
export const impersonationHeaders = (user: UserEntry): Record<string, string[]> => {
  if (user.as === '') return {}
  const headers: Record<string, string[]> = { 'Impersonate-User': [headerValue(user.as)] }
  if (user['as-uid'] !== '') headers['Impersonate-Uid'] = [headerValue(user['as-uid'])]
  if (user['as-groups'].length > 0) headers['Impersonate-Group'] = user['as-groups'].map(headerValue)
  for (const [key, values] of Object.entries(user['as-user-extra'])) headers[`Impersonate-Extra-${escapedKey(key)}`] = values.map(headerValue)
  return headers
}

/** UTF-8 bytes as they are, the way Go sends them. */
const headerValue = (text: string): string => {
  if (/\p{Cc}/u.test(text))
    throw new FwError('FW_USAGE', `"${text}" cannot be impersonated: it holds control characters`, {
      fix: 'correct --as, --as-group, --as-uid or --as-user-extra',
    })
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** What may not stand in a header's name is written %XX (`headerKeyEscape`). */
const escapedKey = (key: string): string =>
  [...Buffer.from(key, 'utf8')]
    .map((byte) =>
      /[!#$&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(byte))
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('')
