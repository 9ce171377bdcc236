import { expect } from 'chai'
import { PoolBook } from '#src/pool/pool-book.ts'
import type { PoolEffect, PoolLimits } from '#src/pool/pool-book.ts'

const LIMITS: PoolLimits = {
  size: 3,
  perSite: 2,
  idleTimeout: 1000,
  maxLife: 5000,
  checkInterval: 300,
  waitTimeout: 200,
}

const book = (limits: Partial<PoolLimits> = {}): PoolBook => new PoolBook({ ...LIMITS, ...limits })

/** `dial A`, `hand 1 > 2`, `refuse 1 time`, `check 1`, `close 1`. */
const text = (effects: readonly PoolEffect[]): string[] =>
  effects.map((effect) => {
    switch (effect.kind) {
      case 'dial':
        return `dial ${effect.site}`
      case 'hand':
        return `hand ${effect.channel} > ${effect.waiter}`
      case 'refuse':
        return `refuse ${effect.waiter} ${effect.reason}`
      default:
        return `${effect.kind} ${effect.channel}`
    }
  })

describe('channel pool: bookkeeping', () => {
  it('dials for who asks first, and gives the channel to who asks next', () => {
    const pool = book()
    expect(text(pool.request(1, 'A', 0))).to.deep.equal(['dial A'])
    expect(text(pool.opened('A', 10).effects)).to.deep.equal(['hand 1 > 1'])
    expect(text(pool.released(1, 20))).to.deep.equal([])
    expect(text(pool.request(2, 'A', 30))).to.deep.equal(['hand 1 > 2'])
    expect(pool.stats).to.include({ requested: 2, dialled: 1, reused: 1, leased: 1, idle: 0, waiting: 0 })
  })

  it('dials no more than a site may have, and serves who waits in order', () => {
    const pool = book()
    const asked = [1, 2, 3, 4].flatMap((waiter) => pool.request(waiter, 'A', 0))
    expect(text(asked)).to.deep.equal(['dial A', 'dial A'])
    expect(text(pool.opened('A', 1).effects)).to.deep.equal(['hand 1 > 1'])
    expect(text(pool.opened('A', 1).effects)).to.deep.equal(['hand 2 > 2'])
    expect(text(pool.released(2, 2))).to.deep.equal(['hand 2 > 3'])
    expect(text(pool.released(1, 3))).to.deep.equal(['hand 1 > 4'])
    expect(pool.stats.waiting).to.equal(0)
  })

  it('makes room for another site by the channel that nobody has used for longest', () => {
    const pool = book()
    for (const [waiter, site] of [
      [1, 'A'],
      [2, 'A'],
      [3, 'B'],
    ] as const) {
      pool.request(waiter, site, 0)
      pool.opened(site, 0)
    }
    pool.released(2, 5)
    pool.released(3, 6)
    expect(text(pool.request(4, 'C', 10))).to.deep.equal(['close 2', 'dial C'])
    expect(text(pool.request(5, 'D', 10))).to.deep.equal(['close 3', 'dial D'])
    expect(text(pool.request(6, 'E', 10))).to.deep.equal([])
    expect(pool.stats).to.include({ evicted: 2, leased: 1, dialling: 2, waiting: 3 })
    expect(text(pool.released(1, 11))).to.deep.equal(['close 1', 'dial E'])
  })

  it('refuses who waits too long', () => {
    const pool = book({ perSite: 1 })
    pool.request(1, 'A', 0)
    pool.opened('A', 0)
    pool.request(2, 'A', 100)
    expect(pool.next()).to.equal(300)
    expect(text(pool.tick(299))).to.deep.equal([])
    expect(text(pool.tick(300))).to.deep.equal(['refuse 2 time'])
    expect(pool.stats).to.include({ timedOut: 1, waiting: 0 })
  })

  it('tells one waiter of each failed dial, and dials again for the next', () => {
    const pool = book({ perSite: 1 })
    pool.request(1, 'A', 0)
    pool.request(2, 'A', 0)
    expect(text(pool.dialFailed('A', 1))).to.deep.equal(['refuse 1 dial', 'dial A'])
    expect(text(pool.dialFailed('A', 2))).to.deep.equal(['refuse 2 dial'])
    expect(pool.stats).to.include({ dialFailures: 2, dialling: 0, waiting: 0 })
  })

  it('checks free channels, and closes those that are bad, unused or old', () => {
    const pool = book()
    for (const waiter of [1, 2, 3]) pool.request(waiter, waiter === 3 ? 'B' : 'A', 0)
    for (const site of ['A', 'A', 'B']) pool.opened(site, 0)
    for (const channel of [1, 2]) pool.released(channel, 0)
    expect(text(pool.tick(300))).to.deep.equal(['check 1', 'check 2'])
    expect(text(pool.request(4, 'A', 301))).to.deep.equal([])
    expect(text(pool.checked(1, true, 310))).to.deep.equal(['hand 1 > 4'])
    expect(text(pool.checked(2, false, 310))).to.deep.equal(['close 2'])
    pool.released(1, 400)
    expect(text(pool.tick(700))).to.deep.equal(['check 1'])
    pool.checked(1, true, 701)
    expect(text(pool.tick(1400))).to.deep.equal(['close 1'])
    expect(text(pool.released(3, 5000))).to.deep.equal(['close 3'])
    expect(pool.stats).to.include({ unhealthy: 1, idleClosed: 1, aged: 1, idle: 0, leased: 0 })
    expect(pool.next()).to.equal(undefined)
  })

  it('closes a channel whose check does not come back, and makes room for another', () => {
    const pool = book({ perSite: 1 })
    pool.request(1, 'A', 0)
    pool.opened('A', 0)
    pool.released(1, 0)
    expect(text(pool.tick(310))).to.deep.equal(['check 1'])
    expect(pool.next()).to.equal(610)
    expect(text(pool.request(2, 'A', 600))).to.deep.equal([])
    expect(text(pool.tick(610))).to.deep.equal(['close 1', 'dial A'])
    expect(text(pool.checked(1, true, 620))).to.deep.equal([])
    expect(pool.stats).to.include({ unhealthy: 1, dialling: 1, idle: 0 })
  })

  it('forgets channels that end, wherever they are', () => {
    const pool = book({ perSite: 1 })
    pool.request(1, 'A', 0)
    pool.opened('A', 0)
    pool.request(2, 'A', 0)
    expect(text(pool.ended(1, 5))).to.deep.equal(['dial A'])
    expect(text(pool.released(1, 6))).to.deep.equal([])
    expect(text(pool.opened('A', 7).effects)).to.deep.equal(['hand 2 > 2'])
    expect(text(pool.discarded(2, 8))).to.deep.equal(['close 2'])
    expect(text(pool.ended(2, 9))).to.deep.equal([])
    expect(pool.stats).to.include({ lost: 1, discarded: 1, idle: 0, leased: 0 })
  })

  it('closes: who waits is refused, what is under way is closed when it comes', () => {
    const pool = book({ perSite: 1 })
    pool.request(1, 'A', 0)
    pool.opened('A', 0)
    pool.request(2, 'A', 0)
    pool.request(3, 'B', 0)
    pool.request(4, 'C', 0)
    pool.opened('C', 0)
    pool.released(2, 0)
    expect(text(pool.close())).to.deep.equal(['refuse 2 closed', 'refuse 3 closed', 'close 2'])
    expect(text(pool.opened('B', 1).effects)).to.deep.equal(['close 3'])
    expect(text(pool.released(1, 1))).to.deep.equal(['close 1'])
    expect(text(pool.request(5, 'A', 2))).to.deep.equal(['refuse 5 closed'])
  })
})
