import { expect, it } from 'vitest'
import { refuseProxied } from '../../src/commands/refuse-proxied.ts'
import { smallSteps } from '../rollout/fixtures.ts'

it('closes nothing through kubectl proxy, which answers new connections when nodes drop them; what only opens goes through it', () => {
  expect(() => refuseProxied('http://127.0.0.1:8001', smallSteps())).toThrow('nothing is closed through http://127.0.0.1:8001')
  expect(() => refuseProxied('https://192.168.218.189:7443', smallSteps())).not.toThrow()
  expect(() =>
    refuseProxied(
      'http://127.0.0.1:8001',
      smallSteps().filter(({ kind }) => kind !== 'arm'),
    ),
  ).not.toThrow()
})
