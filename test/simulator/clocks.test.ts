import { describe, expect, it } from 'vitest'
import { acceleratedClock } from '../../src/simulator/accelerated-clock.ts'
import { virtualClock } from '../../src/simulator/virtual-clock.ts'

describe('virtual time', () => {
  it('wakes sleepers in order, and lets what they start finish first', async () => {
    const clock = virtualClock()
    const story: string[] = []
    const tell = async (name: string, ...pauses: number[]) => {
      for (const ms of pauses) {
        await clock.sleep(ms)
        story.push(`${name} ${clock.now()}`)
      }
    }
    const told = [tell('a', 10, 10, 10), tell('b', 15), tell('c', 10, 0)]
    await clock.advance(30)
    await Promise.all(told)
    expect(story).toEqual(['a 10', 'c 10', 'c 10', 'b 15', 'a 20', 'a 30'])
    expect(clock.wall().toISOString()).toBe('2026-11-23T08:00:00.030Z')
  })

  it('stands where it was told to stop', async () => {
    const clock = virtualClock()
    let awake = false
    const sleeper = clock.sleep(100).then(() => {
      awake = true
    })
    await clock.advance(99)
    expect([clock.now(), awake]).toEqual([99, false])
    await clock.advance(1)
    await sleeper
    expect([clock.now(), awake]).toEqual([100, true])
  })

  it('drives work to its end, failures included, and stops there', async () => {
    const clock = virtualClock()
    const work = async () => {
      await clock.sleep(3_600_000)
      return clock.now()
    }
    clock.sleep(7_200_000).catch(() => undefined)
    expect(await clock.drive(work())).toBe(3_600_000)
    await expect(clock.drive(clock.sleep(10).then(() => Promise.reject(new Error('no'))))).rejects.toThrow('no')
    expect(clock.now()).toBe(3_600_010)
  })

  it('ends a sleep with its signal', async () => {
    const clock = virtualClock()
    const stop = new AbortController()
    const sleep = clock.sleep(10, stop.signal)
    stop.abort(new Error('stopped'))
    await expect(sleep).rejects.toThrow('stopped')
    await expect(clock.sleep(10, stop.signal)).rejects.toThrow('stopped')
  })

  it('stands still while it is held', async () => {
    const clock = virtualClock()
    const release = clock.hold()
    let awake = false
    const nap = clock.sleep(10).then(() => {
      awake = true
    })
    const advanced = clock.advance(10)
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(awake).toBe(false)
    release()
    await Promise.all([advanced, nap])
    expect(awake).toBe(true)
  })
})

describe('accelerated time', () => {
  it('runs a factor faster than the clock it is made of', async () => {
    const base = virtualClock()
    await base.advance(1_000)
    const fast = acceleratedClock(base, 10)
    await base.advance(100)
    expect([fast.now(), fast.wall().getTime() - base.wall().getTime()]).toEqual([2_000, 900])
    const nap = fast.sleep(5_000)
    await base.drive(nap)
    expect([base.now(), fast.now()]).toEqual([1_600, 7_000])
  })
})
