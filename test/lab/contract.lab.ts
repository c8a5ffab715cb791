import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { dialogue } from '../simulator/dialogue.ts'
import { compared, type Heard, hold, speaker } from '../simulator/dialogue-partner.ts'
import { live, lives, setting } from '../simulator/lifecycle.ts'
import { labTokens, startControllerManager } from './cluster/control-plane.ts'
import { hasKubelet } from './cluster/nodes.ts'
import type { Lab } from './lab.ts'
import type { LabTest } from './lab-test.ts'
import { kill } from './machine/failures.ts'
import { pause, until } from './machine/run.ts'

/** What `npm test` holds the simulator to. */
const record = fileURLToPath(new URL('../simulator/dialogue.golden.json', import.meta.url))

const partnerOf = (lab: Lab) => ({ url: 'https://kubernetes', socketPath: lab.state.at('socket', 'api.sock'), tokens: { ...labTokens, bad: 'bad' } })

/** The API's contract: the real server says what the simulator says, or the record of it is out of date. */
export const tests: readonly LabTest[] = [
  {
    name: 'contract: the API server answers as its record says, and so as the simulator does',
    needs: ['felix'],
    cells: ['iptables-legacy-native'],
    run: async (lab, tell) => {
      // Controllers would act on what is talked about at moments of their own.
      await kill(lab, 'kube-controller-manager')
      let heard: Readonly<Record<string, Heard>>
      try {
        heard = await hold(partnerOf(lab), dialogue)
      } finally {
        for (const node of lab.layout.nodes.filter(({ controlPlane }) => controlPlane))
          startControllerManager(lab, node, { monitorsNodes: hasKubelet(lab) })
      }
      if (process.env['RECORD'] !== undefined) writeFileSync(record, `${JSON.stringify(heard, null, 1)}\n`)
      const kept = JSON.parse(readFileSync(record, 'utf8')) as Record<string, Heard>
      const different = dialogue.filter(
        (step) => JSON.stringify(compared(step, heard[step.name])) !== JSON.stringify(compared(step, kept[step.name])),
      )
      for (const { name } of different.slice(0, 5)) assert.deepEqual(heard[name], kept[name], name)
      assert.equal(different.length, 0)
      tell(`${dialogue.length} requests answered alike`)
      await lab.api.delete({ apiVersion: 'projectcalico.org/v3', kind: 'FelixConfiguration', name: 'node.talk' })
      const talk = { apiVersion: 'v1', kind: 'Namespace', name: 'talk' }
      await until('namespace talk to go', async () => (await lab.api.get(talk)) === undefined, 60_000, 200)
    },
  },
  {
    name: 'contract: kube-controller-manager does what the simulator does in its place',
    needs: ['felix'],
    cells: ['iptables-legacy-native'],
    run: async (lab, tell) => {
      for (const step of setting) assert.equal((await speaker(partnerOf(lab))(step)).code, 201)
      for (const life of lives) {
        const seconds = await live(partnerOf(lab), { now: Date.now, wait: () => pause(100) }, life)
        tell(`${life.name}: ${seconds.toFixed(1)} s`)
      }
    },
  },
]
