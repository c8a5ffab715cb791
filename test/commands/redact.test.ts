import { expect, it } from 'vitest'
import { redact } from '../../src/commands/redact.ts'

it('puts stand-ins for addresses and for who made the change, in every text and key', () => {
  const document = {
    by: 'alice@laptop/12-cafe',
    command: 'kubectl calico-fw init -f /home/alice/fw.yaml --context alice@prod --trust 10.1.2.0/24',
    end: { why: 'the lock is held by bob@desk/3-beef', green: 7 },
    images: [{ ref: { name: 'calico-fw-allow-vip-2001-db8-10-10-443' }, before: null }],
    spec: { nets: ['2001:db8:10::10/128'], '10.1.2.0': true },
    chain: { head: 'sha256:0123' },
  }
  expect(redact(document, [document.by])).toEqual({
    by: 'operator',
    command: 'kubectl calico-fw init -f /home/operator/fw.yaml --context operator@prod --trust address-1/24',
    end: { why: 'the lock is held by another operator', green: 7 },
    images: [{ ref: { name: 'calico-fw-allow-vip-address-2-443' }, before: null }],
    spec: { nets: ['address-2/128'], 'address-1': true },
    chain: { head: 'sha256:0123' },
  })
})
