import https from 'node:https'
import { afterEach, describe, expect, it } from 'vitest'
import { resourceOf, v3 } from '../../src/calico/resources.ts'
import type { Harm } from '../../src/simulator/api/faults.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { virtualClock } from '../../src/simulator/virtual-clock.ts'
import { until } from '../fixtures/real-time.ts'
import { openScene } from './scene.ts'

const running: Simulator[] = []
afterEach(async () => {
  for (const simulator of running.splice(0)) await simulator.close()
})

const configMap = (name: string, labels: Record<string, string> = {}, namespace = 'default') => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name, labels } },
})
const ref = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name })
const path = '/api/v1/namespaces/default/configmaps'

interface Event {
  readonly type: string
  readonly object: { readonly metadata?: { readonly name?: string }; readonly code?: number; readonly reason?: string }
}

/** Opens a watch over TLS and collects what it says. */
const watch = (simulator: Simulator, query: string): { events: () => string[]; ended: Promise<void>; close: () => void } => {
  let text = ''
  const request = https.get(`${simulator.url}${path}?watch=true&${query}`, {
    headers: { authorization: 'Bearer demo-token' },
    rejectUnauthorized: false,
  })
  const ended = new Promise<void>((resolve) => {
    request.on('error', () => resolve())
    request.on('response', (response) => {
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      // A connection that is cut after the headers ends without 'end'.
      response.on('error', () => undefined).on('close', resolve)
    })
  })
  const lines = (): Event[] =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  return {
    events: () => lines().map(({ type, object }) => `${type} ${object.metadata?.name ?? object.reason}`),
    ended,
    close: () => request.destroy(),
  }
}

const start = async (): Promise<{ simulator: Simulator; clock: ReturnType<typeof virtualClock> }> => {
  const clock = virtualClock()
  const simulator = await startSimulator({ clock })
  running.push(simulator)
  return { simulator, clock }
}

describe('watches', () => {
  it('show what is there, then what changes; a label that goes is a deletion', async () => {
    const { simulator } = await start()
    const { objects } = simulator
    objects.create(configMap('a', { w: '1' }))
    objects.create(configMap('other'))
    const seen = watch(simulator, 'labelSelector=w')
    await until('one event', () => seen.events().length === 1)
    objects.create(configMap('b', { w: '1' }))
    objects.update(ref('a'), (object) => ({ ...object, data: { x: 'y' } }))
    objects.update(ref('b'), (object) => ({ ...object, metadata: { ...object.metadata, labels: {} } }))
    objects.update(ref('other'), (object) => ({ ...object, metadata: { ...object.metadata, labels: { w: '2' } } }))
    objects.delete(ref('a'))
    await until('six events', () => seen.events().length === 6)
    expect(seen.events()).toEqual(['ADDED a', 'ADDED b', 'MODIFIED a', 'DELETED b', 'ADDED other', 'DELETED a'])
    seen.close()
  })

  it('go on from a revision, and say 410 for one that is forgotten', async () => {
    const { simulator } = await start()
    const { objects } = simulator
    const from = objects.create(configMap('a')).metadata.resourceVersion
    objects.create(configMap('b'))
    const seen = watch(simulator, `resourceVersion=${from}`)
    await until('one event', () => seen.events().length === 1)
    expect(seen.events()).toEqual(['ADDED b'])
    seen.close()
    objects.compact()
    const late = watch(simulator, `resourceVersion=${from}`)
    await late.ended
    expect(late.events()).toEqual(['ERROR Expired'])
  })

  it('end after timeoutSeconds, and with the connection', async () => {
    const { simulator, clock } = await start()
    const seen = watch(simulator, 'timeoutSeconds=30&labelSelector=none')
    await clock.drive(seen.ended)
    expect(clock.now()).toBeGreaterThanOrEqual(30_000)
    const cut = watch(simulator, 'labelSelector=none')
    await until('two requests', () => simulator.requests.length === 2 && simulator.requests[1]?.code === 200)
    simulator.network.reset()
    await cut.ended
  })
})

describe('lists', () => {
  it('come in pages that show one moment, until that moment is forgotten', async () => {
    const { simulator, api, during } = await openScene()
    running.push(simulator)
    const { objects } = simulator
    for (const name of ['a', 'b', 'c', 'd']) objects.create(configMap(name))
    type Page = { items: { metadata: { name: string } }[]; metadata: { continue?: string; remainingItemCount?: number } }
    const page = (token = ''): Promise<Page> =>
      during(api.request('GET', `${path}?limit=2${token === '' ? '' : `&continue=${token}`}`)) as Promise<Page>
    const first = await page()
    expect([first.items.map(({ metadata }) => metadata.name), first.metadata.remainingItemCount]).toEqual([['a', 'b'], 2])
    objects.delete(ref('d'))
    objects.create(configMap('e'))
    const second = await page(first.metadata.continue)
    expect([second.items.map(({ metadata }) => metadata.name), second.metadata.continue]).toEqual([['c', 'd'], undefined])
    objects.compact()
    await expect(page(first.metadata.continue)).rejects.toMatchObject({ code: 'FW_GONE' })
  })

  it('select pods by their node', async () => {
    const { simulator, api, during } = await openScene()
    running.push(simulator)
    const pods = await during(api.list(resourceOf('v1', 'Pod'), { fieldSelector: 'spec.nodeName=ws1.kryukov.local' }))
    expect(pods?.map(({ metadata }) => metadata.name)).toEqual(['app1-ws1', 'calico-node-ws1'])
  })
})

describe('names the server makes', () => {
  it('generateName gives a new name every time', async () => {
    const { simulator, api, during } = await openScene()
    running.push(simulator)
    const generated = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'default', generateName: 'run-' } }
    const names = [await during(api.create(generated as never)), await during(api.create(generated as never))].map(({ metadata }) => metadata.name)
    expect(names.every((name) => /^run-[a-z0-9]{5}$/.test(name))).toBe(true)
    expect(new Set(names).size).toBe(2)
  })
})

describe('faults', () => {
  const outcomes: readonly { harm: Harm; after?: boolean; code: string; done: boolean }[] = [
    { harm: { kind: 'hang' }, code: 'FW_TIMEOUT', done: false },
    { harm: { kind: 'hang' }, after: true, code: 'FW_TIMEOUT', done: true },
    { harm: { kind: 'reset' }, code: 'FW_UNREACHABLE', done: false },
    { harm: { kind: 'reset' }, after: true, code: 'FW_UNREACHABLE', done: true },
    { harm: { kind: 'truncate' }, code: 'FW_UNREACHABLE', done: true },
    { harm: { kind: 'slow', ms: 20_000 }, code: 'FW_TIMEOUT', done: true },
    { harm: { kind: 'status', code: 403 }, code: 'FW_FORBIDDEN', done: false },
    { harm: { kind: 'status', code: 429 }, code: '', done: true },
    { harm: { kind: 'status', code: 503 }, code: 'FW_API', done: false },
  ]

  it.each(outcomes)('$harm.kind $harm.code, after the deed: $after', async ({ harm, after = false, code, done }) => {
    const { simulator, api, during, clock } = await openScene()
    running.push(simulator)
    simulator.faults.add({ harm, after, method: 'POST', path: /configmaps/ })
    const created = during(api.create(configMap('a')))
    if (code === '') await created
    else await expect(created).rejects.toMatchObject({ code })
    await clock.advance(30_000)
    expect(simulator.objects.get(ref('a')) !== undefined).toBe(done)
  })

  it('meet the calls they name, so many times, counted from 1, and are taken away', async () => {
    const { simulator, api, during } = await openScene()
    running.push(simulator)
    const remove = simulator.faults.add({ harm: { kind: 'status', code: 500 }, method: 'GET', from: 2, times: 2 })
    const codes: string[] = []
    const ask = () => during(api.get(ref('a')))
    const note = (code: string) => codes.push(code)
    for (let call = 0; call < 4; call++)
      await ask().then(
        () => note('ok'),
        (error: { code: string }) => note(error.code),
      )
    remove()
    expect(codes).toEqual(['ok', 'FW_API', 'FW_API', 'ok'])
    expect(simulator.requests.filter(({ method }) => method === 'GET').map(({ code }) => code)).toEqual([404, 500, 500, 404])
  })

  it('over TLS they are what they are called', async () => {
    const { simulator } = await start()
    const get = (): Promise<string> =>
      new Promise((resolve) => {
        const request = https.get(
          `${simulator.url}${path}`,
          { headers: { authorization: 'Bearer demo-token' }, rejectUnauthorized: false, timeout: 50 },
          (response) => {
            response.resume()
            response.on('end', () => resolve(`${response.statusCode} ${response.headers['retry-after'] ?? ''}`.trim()))
            response.on('error', ({ message }) => resolve(message))
          },
        )
        request.on('timeout', () => request.destroy(new Error('silence')))
        request.on('error', ({ message }) => resolve(message))
      })
    const harms: Harm[] = [{ kind: 'status', code: 429, retryAfter: 7 }, { kind: 'truncate' }, { kind: 'reset' }, { kind: 'hang' }]
    const seen: string[] = []
    for (const harm of harms) {
      simulator.faults.add({ harm })
      seen.push(await get())
      simulator.faults.clear()
    }
    expect(seen).toEqual(['429 7', 'aborted', 'read ECONNRESET', 'silence'])
  })
})

describe('rights and webhooks', () => {
  it('a right taken away is denied, reviews say so, and it can be given back', async () => {
    const { simulator, api, during } = await openScene()
    running.push(simulator)
    const review = async (verb: string) => {
      const body = {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { verb, group: 'projectcalico.org', resource: 'hostendpoints' } },
      }
      const answer = await during(api.request('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', body))
      return (answer as { status: { allowed: boolean } }).status.allowed
    }
    const give = simulator.deny({ verb: 'deletecollection', resource: 'hostendpoints' })
    const heps = resourceOf(v3, 'HostEndpoint')
    expect([await review('delete'), await review('deletecollection')]).toEqual([true, false])
    await expect(during(api.deleteCollection(heps, { labelSelector: 'a' }))).rejects.toMatchObject({ code: 'FW_FORBIDDEN' })
    give()
    expect(await review('deletecollection')).toBe(true)
    await during(api.deleteCollection(heps, { labelSelector: 'a' }))
  })

  it('a webhook refuses with its own words, dry runs included', async () => {
    const { simulator, api, during } = await openScene()
    running.push(simulator)
    simulator.webhook({
      name: 'policy.example.com',
      kinds: ['ConfigMap'],
      deny: ({ object, dryRun }) => `no ${object.metadata.name}, dry: ${dryRun}`,
    })
    await expect(during(api.create(configMap('a'), { dryRun: true }))).rejects.toMatchObject({
      ...{ code: 'FW_INVALID', why: 'admission webhook "policy.example.com" denied the request: no a, dry: true' },
    })
  })

  it('nobody without credentials gets further than health and version', async () => {
    const { simulator } = await start()
    const get = (target: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        https
          .get(`${simulator.url}${target}`, { rejectUnauthorized: false }, (response) => {
            response.resume()
            resolve(response.statusCode)
          })
          .on('error', reject)
      })
    expect(await Promise.all(['/readyz', '/version', '/apis', path].map(get))).toEqual([200, 200, 403, 403])
  })
})
