/** The candidate nearest to what was typed, if it is near enough to be meant: at most a third of its letters differ. */
export const closest = (typed: string, candidates: readonly string[]): string | undefined => {
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(typed.toLowerCase(), candidate.toLowerCase()) }))
    .sort((one, other) => one.distance - other.distance)
  const [best] = ranked
  return best !== undefined && best.distance <= Math.max(1, Math.floor(best.candidate.length / 3)) ? best.candidate : undefined
}

/** Optimal string alignment: insertions, deletions, changes and swaps of neighbours count one each. */
const editDistance = (from: string, to: string): number => {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, at) => at)]
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const change = from[i - 1] === to[j - 1] ? 0 : 1
      let cost = Math.min((rows[i - 1]?.[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (rows[i - 1]?.[j - 1] ?? 0) + change)
      if (from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) cost = Math.min(cost, (rows[i - 2]?.[j - 2] ?? cost) + 1)
      row.push(cost)
    }
    rows.push(row)
  }
  return rows[from.length]?.[to.length] ?? 0
}
