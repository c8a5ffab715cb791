import { isAddress } from './address.ts'

/** Groups of hex digits with two colons or more between them; and four numbers between dots, wherever they stand, unless a fifth number is there. */
const address6 = /(?<![\w.:])[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,8}(?![\w:]|\.\d)/g
const address4 = /(?<!\d|\d\.)\d{1,3}(?:\.\d{1,3}){3}(?!\d|\.\d)/g
/** Where a name may spell an address. */
const dashedRun = /(?<![\w])\w+(?:-\w+)+/g
/** As cloud providers name nodes: `ip-10-0-0-1`. */
const dashed4 = /(?<!\d|\d-)\d{1,3}(?:-\d{1,3}){3}(?!\d)/g

/**
 * Makes a function that puts `address-1`, `address-2` and so on in the place of every IP address in a text, the same for the same address each time. A length behind
 * one stays: `10.0.0.0/8` becomes `address-1/8`. `texts` are all that will be asked about: an address that stands in one of them is also found where a name
 * spells it with dashes, as in `vip-2001-db8-10-10-443`.
 */
export const hideAddresses = (texts: Iterable<string>): ((text: string) => string) => {
  const standIns = new Map<string, string>()
  const standInOf = (address: string): string => {
    const known = standIns.get(address) ?? `address-${standIns.size + 1}`
    standIns.set(address, known)
    return known
  }
  const plainly = (text: string): string => {
    const hide = (found: string): string => (isAddress(found) ? standInOf(found) : found)
    return text.replace(address6, hide).replace(address4, hide)
  }
  for (const text of texts) plainly(text)
  const spelled = new Map([...standIns].map(([address, standIn]) => [address.replace(/[.:]+/g, '-').replace(/^-|-+$/g, ''), standIn]))
  const inName = (name: string): string => {
    const parts = name.split('-')
    for (let from = 0; from < parts.length; from++) {
      for (let count = Math.min(8, parts.length - from); count > 1; count--) {
        const standIn = spelled.get(parts.slice(from, from + count).join('-'))
        if (standIn !== undefined) parts.splice(from, count, standIn)
      }
    }
    return parts.join('-')
  }
  const ofNode = (found: string): string => {
    const address = found.replaceAll('-', '.')
    return isAddress(address) ? standInOf(address) : found
  }
  return (text) => plainly(text).replace(dashedRun, inName).replace(dashed4, ofNode)
}
