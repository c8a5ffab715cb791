import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApi } from '../../src/cluster/create-api.ts'
import type { Connection } from '../../src/cluster/transport/connection.ts'
import { discover } from '../../src/discovery/discover.ts'
import { FwError } from '../../src/errors.ts'
import { parseAddress } from '../../src/net/address.ts'
import { readSituation } from '../../src/rollout/situation.ts'
import { errorText } from '../../src/ui/error-text.ts'
import { plainTheme } from '../../src/ui/theme.ts'
import { type Stage, setStage } from '../rollout/stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await setStage()
  await stage.clock.drive((await stage.init()).ended)
})
afterAll(() => stage.close())

/** The API behind something that changes the body of answer number `at`. */
const behind = (at: number, change: (body: string) => string) => {
  const real = stage.sim.connection()
  let answers = 0
  const connection: Connection = {
    ...real,
    send: async (request) => {
      const answer = await real.send(request)
      return answers++ === at ? { ...answer, body: Buffer.from(change(answer.body.toString('utf8'))) } : answer
    },
  }
  return { api: createApi(connection), answers: () => answers }
}

const read = (api: Stage['api']) =>
  stage.clock.drive(
    (async () => {
      const facts = await discover(api, {
        ...{ contextName: 'home', server: 'https://192.168.218.189:7443', now: () => stage.clock.wall(), lookup: async () => [] },
        operatorAddresses: async () => [parseAddress('192.168.218.170')],
      })
      return readSituation(api, facts.calico.flavour)
    })(),
  )

/** Replaces the value at one place of a JSON text; `pick` chooses the place. */
const replaced = (body: string, pick: number, value: unknown): string => {
  const root: { body: unknown } = { body }
  try {
    root.body = JSON.parse(body) as unknown
  } catch {
    return String(value)
  }
  const places: (() => void)[] = []
  const walk = (holder: Record<string, unknown>): void => {
    for (const [key, child] of Object.entries(holder)) {
      places.push(() => {
        holder[key] = value
      })
      if (typeof child === 'object' && child !== null) walk(child as Record<string, unknown>)
    }
  }
  walk(root)
  places[pick % places.length]?.()
  return JSON.stringify(root.body)
}

/** What reading ends in: nothing, or the error. */
const ending = (at: number, change: (body: string) => string): Promise<unknown> =>
  read(behind(at, change).api).then(
    () => undefined,
    (error: unknown) => error,
  )

describe('answers nobody should give end in words', () => {
  it('a value of another type, anywhere in any answer', async () => {
    const { api, answers } = behind(-1, (body) => body)
    await read(api)
    const odd = fc.constantFrom<unknown>(null, 0, -1, '', 'x', '\u001b[2J', true, [], {}, [null], [[]], { a: null })
    await fc.assert(
      fc.asyncProperty(fc.nat(answers() - 1), fc.nat(100_000), odd, async (at, pick, value) => {
        const error = await ending(at, (body) => replaced(body, pick, value))
        if (error !== undefined && !(error instanceof FwError)) throw error
      }),
      { numRuns: 15 },
    )
  })

  it.each<[string, (body: string) => string]>([
    ['ten megabytes of one letter', () => 'a'.repeat(10 << 20)],
    ['ten megabytes of JSON', () => JSON.stringify({ kind: 'List', apiVersion: 'v1', items: Array(500_000).fill({ a: 'b' }) })],
    ['a hundred thousand lists in each other', () => '['.repeat(100_000) + ']'.repeat(100_000)],
    ['an object of endless depth', (body) => body.replace(/^\{/, `{"deep":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)},`)],
    ['a login page', () => '<html><script>alert(1)</script></html>'],
    ['nothing', () => ''],
    ['half of it', (body) => body.slice(0, body.length / 2)],
    ['keys of the prototype', (body) => body.replace(/^\{/, '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},')],
  ])('%s', async (_, change) => {
    const error = await ending(20, change)
    if (error !== undefined) expect(error).toBeInstanceOf(FwError)
    if (error instanceof FwError) expect(errorText(error, plainTheme).length).toBeLessThan(8_000)
    expect(({} as { polluted?: true }).polluted).toBeUndefined()
  })
})
