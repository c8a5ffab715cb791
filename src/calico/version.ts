/** A release of Calico: `[3, 32]`. */
export type Release = readonly [major: number, minor: number]

/** Whether a version, as `v3.32.1`, is this release or a later one; undefined where the text is no version. */
export const isAtLeast = (version: string | undefined, [major, minor]: Release): boolean | undefined => {
  const match = /^v?(\d+)\.(\d+)/.exec(version ?? '')
  if (match === null) return undefined
  const [own, release] = [Number(match[1]), Number(match[2])]
  return own > major || (own === major && release >= minor)
}
