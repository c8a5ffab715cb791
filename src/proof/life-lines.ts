import type { Cast } from './cast.ts'
import { controlPlaneLifeLines } from './control-plane-life-lines.ts'
import type { LifeLine } from './life-line.ts'
import { nodeLifeLines } from './node-life-lines.ts'
import { operatorLifeLines } from './operator-life-lines.ts'
import { ownNodeLifeLines } from './own-node-life-lines.ts'
import { podLifeLines } from './pod-life-lines.ts'
import { routerLifeLines } from './router-life-lines.ts'
import { serviceLifeLines } from './service-life-lines.ts'

/** Every lifeline of a cluster under a plan. */
export const lifeLines = (cast: Cast): LifeLine[] => [
  ...controlPlaneLifeLines(cast),
  ...nodeLifeLines(cast),
  ...ownNodeLifeLines(cast),
  ...podLifeLines(cast),
  ...serviceLifeLines(cast),
  ...routerLifeLines(cast),
  ...operatorLifeLines(cast),
]
