/**
 * 64-bit FNV-1a as 16 hex digits: keeps names apart that sanitising or cutting would merge. It protects nothing, so a cryptographic
 * hash would only cost this room its purity.
 */
export const digest = (text: string): string => {
  let hash = 0xcbf29ce484222325n
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  return hash.toString(16).padStart(16, '0')
}
