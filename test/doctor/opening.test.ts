import { expect, it } from 'vitest'
import { openingOf } from '../../src/doctor/opening.ts'
import { denyPolicy } from '../../src/firewall/objects/deny-policy.ts'
import { homeFacts } from '../fixtures/home-facts.ts'

it('what is to be opened goes by a flag of init, and where a firewall is kept into its file: init would make another one', () => {
  expect(openingOf(homeFacts(), 'open', '9100/tcp')).toContain('init --open 9100/tcp')
  const kept = { ...homeFacts(), policies: [denyPolicy([3])] }
  expect(openingOf(kept, 'open', '9100/tcp')).toBe(
    'kubectl calico-fw export > firewall.yaml, add an allow entry for 9100/tcp, then apply -f firewall.yaml',
  )
})
