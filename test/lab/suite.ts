import { tests as byHand } from './by-hand.lab.ts'
import { tests as contract } from './contract.lab.ts'
import { tests as differential } from './differential.lab.ts'
import { tests as discovery } from './discovery.lab.ts'
import { tests as failsafes } from './failsafes.lab.ts'
import { tests as failures } from './failures.lab.ts'
import { tests as field } from './field.lab.ts'
import { tests as gate } from './gate.lab.ts'
import { tests as ha } from './ha.lab.ts'
import { tests as home } from './home.lab.ts'
import { tests as hostPorts } from './host-ports.lab.ts'
import { tests as hostile } from './hostile.lab.ts'
import { tests as ipv6 } from './ipv6.lab.ts'
import { tests as kubelet } from './kubelet.lab.ts'
import type { LabTest } from './lab-test.ts'
import { tests as loopback } from './loopback.lab.ts'
import { tests as nodesService } from './nodes-service.lab.ts'
import { tests as power } from './power.lab.ts'
import { tests as reports } from './reports.lab.ts'
import { tests as rescue } from './rescue.lab.ts'
import { tests as shapes } from './shapes.lab.ts'
import { tests as traps } from './traps.lab.ts'
import { tests as tutorial } from './tutorial.lab.ts'
import { tests as variants } from './variants.lab.ts'

/** Every test of the lab. */
export const suite: readonly LabTest[] = [
  ...tutorial,
  ...home,
  ...gate,
  ...traps,
  ...loopback,
  ...hostile,
  ...failsafes,
  ...nodesService,
  ...kubelet,
  ...byHand,
  ...rescue,
  ...ipv6,
  ...contract,
  ...hostPorts,
  ...ha,
  ...discovery,
  ...shapes,
  ...variants,
  ...field,
  ...reports,
  ...differential,
  // Last, for what was broken takes its time to be whole again: kube-proxy puts flushed rules back after half a minute.
  ...power,
  ...failures,
]
