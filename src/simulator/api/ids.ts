/** Names the API server makes up. They count instead of being random: the same run gives the same names. */
export interface Ids {
  uid(): string
  /** Five characters for `generateName`. */
  suffix(): string
  /** The next free address for a Service, as text. */
  clusterIP(): string
  /** The next free NodePort. */
  nodePort(): number
}

/** Letters of apimachinery's `rand.String`: no vowels, so no words. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789'

const spread = (count: number): number => (count * 2_654_435_761) % 2 ** 32

/** Ids of one simulated cluster. */
export const createIds = (): Ids => {
  const counts = { uid: 0, suffix: 0, clusterIP: 0, nodePort: 0 }
  return {
    uid: () => {
      counts.uid++
      const head = spread(counts.uid).toString(16).padStart(8, '0')
      return `${head}-5113-4a1c-8c0f-${counts.uid.toString(16).padStart(12, '0')}`
    },
    suffix: () => {
      counts.suffix++
      let rest = spread(counts.suffix)
      return Array.from({ length: 5 }, () => {
        const letter = alphabet[rest % alphabet.length] ?? 'x'
        rest = Math.floor(rest / alphabet.length)
        return letter
      }).join('')
    },
    clusterIP: () => {
      counts.clusterIP++
      return `10.233.${32 + Math.floor(counts.clusterIP / 250)}.${(counts.clusterIP % 250) + 2}`
    },
    nodePort: () => {
      counts.nodePort++
      return 32_000 + counts.nodePort
    },
  }
}
