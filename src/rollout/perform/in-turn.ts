/** At most `share` of them, others in each round: all have had their turn after as many rounds as it takes. */
export const inTurn = <One>(all: readonly One[], round: number, share: number): One[] =>
  all.length <= share ? [...all] : Array.from({ length: share }, (_, at) => all[(round * share + at) % all.length]).filter((one) => one !== undefined)
