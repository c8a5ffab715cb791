import type { RunConfig } from '../rollout/state.ts'
import type { Context } from './context.ts'

/** Seconds a trial lasts without a sign of life, where nobody says `--window`. */
export const defaultWindowSeconds = 90

/** What every run allows: five seconds of lag of the cluster's controllers, ten minutes for a question. */
export const runLimits = ({ maxLagMs = 5_000 }: Pick<Context, 'maxLagMs'>): Pick<RunConfig, 'maxLagMs' | 'maxQuestionMs'> => ({
  maxLagMs,
  maxQuestionMs: 600_000,
})

/** Nodes that are looked into where only probes are to start from them: as many as are asked at all. */
export const fewLooks = 32
