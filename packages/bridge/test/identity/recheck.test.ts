import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Recheck } from '#src/identity/recheck.ts'

describe('certificates behind an open channel', () => {
  let judged = 0
  let recheck: Recheck
  afterEach(() => recheck.stop())

  async function watched(
    every: number,
    ends: () => number | undefined,
    judge = async (): Promise<void> => {},
  ): Promise<void> {
    judged = 0
    const counted = (): Promise<void> => {
      judged++
      return judge()
    }
    recheck = new Recheck({ every, ends, judge: counted, lookEvery: 2 })
    recheck.start()
  }

  async function seen(count: number): Promise<void> {
    for (const deadline = Date.now() + 10_000; judged < count; await sleep(1)) {
      if (Date.now() > deadline) expect.fail(`judged ${judged} times`)
    }
  }

  it('are judged again after a while, again and again, until it is stopped', async () => {
    await watched(5, () => undefined)
    await seen(3)
    recheck.stop()
    const before = judged
    await sleep(30)
    expect(judged).to.equal(before)
  })

  it('are judged as soon as one of them has ended, however long the while is', async () => {
    let end: number | undefined
    await watched(86_400_000, () => end)
    await sleep(30)
    expect(judged).to.equal(0)
    end = Date.now() + 3_600_000
    await sleep(30)
    expect(judged).to.equal(0)
    end = Date.now() - 1
    await seen(1)
  })

  it('are not judged anew while they are being judged', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    await watched(
      5,
      () => undefined,
      () => promise,
    )
    await seen(1)
    await sleep(50)
    expect(judged).to.equal(1)
    resolve()
    await seen(2)
  })
})
