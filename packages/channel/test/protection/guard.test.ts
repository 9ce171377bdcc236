import { expect } from 'chai'
import { ChannelGuard } from '@gridseal/channel'
import { limitKey } from '#src/protection/address.ts'
import { codeOf } from '../support/code-of.ts'

describe('channel guard', () => {
  it('lets an address open its burst at once, and its rate after that', () => {
    const guard = new ChannelGuard({ connectionsPerSecond: 2, connectionBurst: 3 })
    const let_in = (now: number): boolean => {
      const admission = guard.admit('tcp://192.0.2.1:1000', now)
      admission?.settled('failed')
      return admission !== undefined
    }
    expect([0, 0, 0, 0, 499, 500, 500, 1000].map(let_in)).to.deep.equal([
      true,
      true,
      true,
      false,
      false,
      true,
      false,
      true,
    ])
    expect(guard.counters).to.include({ connections: 5, refusedConnectionRate: 3 })
  })

  it('tells addresses apart, not ports, and limits all together', () => {
    const guard = new ChannelGuard({ connectionBurst: 2, totalConnectionBurst: 3, connectionsPerSecond: 1 })
    const at = (host: string): boolean => guard.admit(`tcp://${host}`, 0) !== undefined
    expect([at('192.0.2.1:1'), at('192.0.2.1:2'), at('192.0.2.1:3')]).to.deep.equal([true, true, false])
    expect([at('192.0.2.2:1'), at('192.0.2.3:1')]).to.deep.equal([true, false])
    expect(guard.counters).to.include({ refusedConnectionRate: 1, refusedTotalConnectionRate: 1 })
  })

  it('bounds unfinished handshakes per address and in all; one that is over makes room, once', () => {
    const guard = new ChannelGuard({ halfOpenPerAddress: 2, halfOpen: 3 })
    const first = guard.admit('192.0.2.1', 0)!
    guard.admit('192.0.2.1', 0)
    expect(guard.admit('192.0.2.1', 0)).to.equal(undefined)
    guard.admit('192.0.2.2', 0)
    expect(guard.admit('192.0.2.3', 0)).to.equal(undefined)
    expect(guard.counters).to.include({ refusedHalfOpen: 1, refusedTotalHalfOpen: 1 })
    first.settled('timedOut')
    first.settled('timedOut')
    expect([guard.halfOpen, guard.counters.timedOut]).to.deep.equal([2, 1])
    expect(guard.admit('192.0.2.3', 0)).not.to.equal(undefined)
  })

  it('limits key agreements by their own rates', () => {
    const guard = new ChannelGuard({ handshakeBurst: 2, totalHandshakeBurst: 3, handshakesPerSecond: 1 })
    const [a, b] = [guard.admit('192.0.2.1', 0)!, guard.admit('192.0.2.2', 0)!]
    expect([1, 2, 3].map(() => a.mayCompute(0))).to.deep.equal([true, true, false])
    expect([1, 2].map(() => b.mayCompute(0))).to.deep.equal([true, false])
    expect(guard.counters).to.include({ handshakes: 3, refusedHandshakeRate: 1, refusedTotalHandshakeRate: 1 })
  })

  it('demands cookies while many handshakes are unfinished', () => {
    const guard = new ChannelGuard({ cookiesAbove: 2 })
    const admissions = [1, 2, 3].map((n) => guard.admit(`192.0.2.${n}`, 0)!)
    expect(admissions[0]!.demandCookie()).to.equal(true)
    admissions[2]!.settled('established')
    expect(admissions[0]!.demandCookie()).to.equal(false)
    expect(guard.counters).to.include({ cookiesDemanded: 1, established: 1 })
  })

  it('remembers a bounded number of addresses; the others share one set of limits', () => {
    const guard = new ChannelGuard({ addresses: 100, connectionBurst: 5, connectionsPerSecond: 1, halfOpen: 1e6 })
    let admitted = 0
    for (let n = 0; n < 100_000; n++) {
      const admission = guard.admit(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, 0)
      if (admission !== undefined) admitted++
    }
    expect([guard.addresses, admitted]).to.deep.equal([100, 105])
  })

  it('forgets addresses that have been quiet', () => {
    const guard = new ChannelGuard({ addresses: 1 })
    guard.admit('192.0.2.1', 0)!.settled('established')
    expect(guard.admit('192.0.2.2', 60_000)).not.to.equal(undefined)
    expect(guard.addresses).to.equal(1)
  })

  it('takes an IPv6 network of /64 for one address', () => {
    expect(limitKey('tcp://[2001:db8:0:1::7]:99')).to.equal('2001:db8:0:1::/64')
    expect(limitKey('tcp://[2001:0DB8::1:2:3:4:5]:99')).to.equal('2001:db8:0:1::/64')
    expect(limitKey('2001:db8::1')).to.equal('2001:db8:0:0::/64')
    expect(limitKey('tcp://[::ffff:192.0.2.9]:1')).to.equal('192.0.2.9')
    expect(limitKey('tcp://192.0.2.9:4712')).to.equal('192.0.2.9')
    expect(limitKey('fe80::1%eth0')).to.equal('fe80:0:0:0::/64')
    expect(limitKey('')).to.equal('')
  })

  it('refuses limits that make no sense', () => {
    for (const wrong of [{ halfOpen: 0 }, { halfOpen: Number.NaN }, { halfopen: 3 }]) {
      expect(codeOf(() => new ChannelGuard(wrong))).to.equal('channel.guard.option')
    }
  })
})
