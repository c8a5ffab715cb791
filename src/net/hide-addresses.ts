import { isAddress } from './address.ts'

/**
 * What may be an address: four numbers between dots, or between dashes as names have them (`vip-192-168-218-174-31110`), and groups of hex digits
 * between two colons and more. Neither begins or ends within a longer word or number.
 */
const candidate =
  /(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)|\d{1,3}(?:-\d{1,3}){3}(?!\w)|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,8}(?![\w:]|\.\d))/g

/**
 * Makes a function that puts `address-1`, `address-2` and so on in the place of every IP address in a text, the same for the same address each time.
 * A length behind one stays: `10.0.0.0/8` becomes `address-1/8`.
 */
export const hideAddresses = (): ((text: string) => string) => {
  const standIns = new Map<string, string>()
  return (text) =>
    text.replace(candidate, (found) => {
      const address = found.replaceAll('-', '.')
      if (!isAddress(address)) return found
      const standIn = standIns.get(address) ?? `address-${standIns.size + 1}`
      standIns.set(address, standIn)
      return standIn
    })
}
