/** One thing wrong with an object. */
export interface Problem {
  /** `spec.ingress[2].destination.ports`. */
  readonly path: string
  /** Continues the path: `has 51 ports …`. */
  readonly text: string
}

/** A list with the problem when it is one, else an empty list. */
export const problem = (isWrong: boolean, path: string, text: string): Problem[] => (isWrong ? [{ path, text }] : [])
