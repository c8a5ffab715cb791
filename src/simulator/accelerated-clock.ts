import type { Clock } from '../rollout/clock.ts'

/** A clock that runs `factor` times as fast as another: for tests and demos over real sockets. Its steps are no finer than the factor in milliseconds. */
export const acceleratedClock = (base: Clock, factor: number): Clock => {
  const [origin, date] = [base.now(), base.wall().getTime()]
  const passed = (): number => (base.now() - origin) * factor
  return {
    now: () => origin + passed(),
    wall: () => new Date(date + passed()),
    sleep: (ms, signal) => base.sleep(ms / factor, signal),
  }
}
