import { digest } from './digest.ts'

const nameLimit = 253
const isSubdomain = (text: string): boolean => /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(text)

/**
 * The name of the HostEndpoint of one NIC: `NODE-INTERFACE`, a DNS subdomain of at most 253 characters. A digest is added where the
 * plain text is no such name, and where the interface has a `-`: `a-b` + `c` and `a` + `b-c` would else share one HostEndpoint. Plain
 * names can not meet digested ones, for an interface name has at most 15 characters and a digest 16.
 */
export const hostEndpointName = (node: string, interfaceName: string): string => {
  const plain = `${node}-${interfaceName}`
  if (!interfaceName.includes('-') && plain.length <= nameLimit && isSubdomain(plain)) return plain
  const mark = digest(`${node}/${interfaceName}`)
  const labels = plain
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .split('.')
    .map((label) => label.replace(/^-+|-+$/g, ''))
  const stem = labels
    .filter((label) => label !== '')
    .join('.')
    .slice(0, nameLimit - mark.length - 1)
    .replace(/[-.]+$/, '')
  return stem === '' ? mark : `${stem}-${mark}`
}

/** The name of ours on trial over another's of that name: before it, for of two on one interface Felix obeys the alphabetically smaller. */
export const trialName = (name: string): string => `0-${name.slice(0, nameLimit - 2)}`
