import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printable } from '../../src/cluster/errors/printable.ts'

describe('printable', () => {
  it('keeps words, tabs, line breaks and other scripts', () => {
    expect(printable('a\tb\nc é 漢字 🔥')).toBe('a\tb\nc é 漢字 🔥')
  })

  it('leaves nothing that a terminal would obey', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\u001b[31m', '\u001b]8;;x\u0007', '\u009b2J', '\r', '\u0008'))),
        (parts) => {
          expect(printable(parts.join(''))).not.toMatch(/(?![\t\n])\p{Cc}|\p{Bidi_Control}/u)
        },
      ),
    )
  })

  it('ends somewhere', () => {
    expect(printable('x'.repeat(10), 4)).toBe('xxxx ... (6 characters more)')
  })
})
