import { expect } from 'chai'
import { setTimeout as sleep } from 'node:timers/promises'
import { toHex } from '@gridseal/wire'
import { randomBytes } from '@gridseal/pqc'
import { connect, listen } from '@gridseal/transport'
import { ChannelGuard, acceptChannel, connectChannel } from '@gridseal/channel'
import { CookieJar } from '#src/handshake/cookie.ts'
import { encapsulateTo } from '#src/handshake/kem.ts'
import { startResponder, stepResponder } from '#src/handshake/responder.ts'
import { ACCEPT, CONNECT, channelPair, refusal } from '../support/channel-pair.ts'
import { HANDSHAKE_ALERT, initiator, record, responder, responderConfig } from '../support/handshake-pair.ts'
import { STRANGER } from '../support/identities.ts'
import { tappedPair } from '../support/tapped-connection.ts'

describe('channel under a flood', () => {
  it('takes 100,000 bogus first messages without a key agreement, in bounded memory, and then a real one', () => {
    let kem = 0
    const guard = new ChannelGuard({ cookiesAbove: 1, connectionBurst: 1e6, totalConnectionBurst: 1e6, halfOpen: 1e6 })
    guard.admit('192.0.2.250', 0)
    guard.admit('192.0.2.251', 0)
    const cookies = new CookieJar()
    const genuine = initiator().sent[0]!
    const stranger = initiator({ identity: STRANGER.publicKey }, STRANGER).sent[0]!
    const garbage = genuine.slice()
    garbage.set(randomBytes(1000), 105)
    const forgedCookie = record(initiator(), responder({ demandCookie: () => true, cookies: new CookieJar() }))
      .steps[2]!.frame
    const bogus = [genuine, stranger, garbage, forgedCookie, genuine.subarray(0, 400)]
    const results = new Map<string, number>()
    globalThis.gc?.()
    const before = process.memoryUsage().heapUsed
    let admission = guard.admit('192.0.2.252', 0)!
    let now = 0
    const config = responderConfig({
      cookies,
      encapsulate: (...args) => (kem++, encapsulateTo(...args)),
      demandCookie: () => admission.demandCookie(),
      mayCompute: () => admission.mayCompute(now),
    })
    const { state: listening } = startResponder()
    for (let n = 0; n < 100_000; n++) {
      now = n / 100
      admission = guard.admit(`10.${n % 200}.${(n >> 8) & 255}.${n & 255}`, now)!
      const { state, effects } = stepResponder(config, listening, { kind: 'frame', frame: bogus[n % bogus.length]! })
      const failure = effects.find((effect) => effect.kind === 'fail')
      const result = failure?.error.code ?? state.at
      results.set(result, (results.get(result) ?? 0) + 1)
      admission.settled('failed')
    }
    expect(kem).to.equal(0)
    expect(results.get('listening'), 'asked for a cookie, nothing kept').to.equal(20_000)
    expect(results.get('channel.peer.unknown')).to.equal(20_000)
    expect(results.get('channel.cookie')).to.equal(20_000)
    expect(guard.addresses).to.be.at.most(4096)
    globalThis.gc?.()
    expect(process.memoryUsage().heapUsed - before).to.be.lessThan(100e6)
    // One that answers the request for a cookie gets through.
    const { responder: r } = record(initiator(), responder({ cookies, demandCookie: () => true }))
    expect(r.session).not.to.equal(undefined)
  }).timeout(60_000)

  it('over TCP: idle connections and garbage up to the limits, while a known client goes on', async () => {
    const guard = new ChannelGuard({ halfOpenPerAddress: 40, connectionBurst: 200, cookiesAbove: 10 })
    const listener = await listen('tcp://127.0.0.1:0')
    const outcomes: Promise<string>[] = []
    const subscription = listener.connections.subscribe((connection) => {
      outcomes.push(
        acceptChannel(connection, { ...ACCEPT, guard, helloTimeout: 700 }).then(
          (channel) => {
            channel.messages.subscribe()
            return 'established'
          },
          (error: { code: string }) => error.code,
        ),
      )
    })
    const idle = await Promise.all(Array.from({ length: 30 }, () => connect(listener.url)))
    for (const connection of idle) connection.data.subscribe()
    const start = performance.now()
    const channel = await connectChannel(await connect(listener.url), CONNECT)
    channel.messages.subscribe()
    expect(performance.now() - start).to.be.lessThan(700)
    expect(guard.counters.cookiesDemanded).to.equal(1)
    await channel.close()
    await Promise.all(idle.map(({ closed }) => closed))
    await sleep(20)
    expect(guard.halfOpen).to.equal(0)
    expect(guard.counters).to.include({ established: 1, timedOut: 30 })
    expect((await Promise.all(outcomes)).filter((code) => code === 'channel.handshake.timeout')).to.have.length(30)
    subscription.unsubscribe()
    await listener.close()
  })

  it('refuses a connection over the limit without a word', async () => {
    const guard = new ChannelGuard({ halfOpen: 1 })
    const [, first] = tappedPair({ linger: 50 })
    const waiting = refusal(acceptChannel(first, { ...ACCEPT, guard, helloTimeout: 50 }))
    const [, second] = tappedPair({ linger: 50 })
    expect(await refusal(acceptChannel(second, { ...ACCEPT, guard }))).to.equal('channel.limit')
    expect(second.written).to.deep.equal([])
    expect(await waiting).to.equal('channel.handshake.timeout')
    expect(guard.counters).to.include({ refusedTotalHalfOpen: 1, timedOut: 1 })
  })

  it('refuses handshakes over the rate with the usual alert, before any key agreement', async () => {
    const guard = new ChannelGuard({ handshakeBurst: 1, handshakesPerSecond: 0.001 })
    await channelPair({}, { guard })
    const [near, far] = tappedPair()
    const [client, server] = [connectChannel(near, CONNECT), acceptChannel(far, { ...ACCEPT, guard })].map(refusal)
    expect([await client, await server]).to.deep.equal(['channel.alert', 'channel.limit'])
    expect(far.written.map((frame) => toHex(frame))).to.deep.equal([HANDSHAKE_ALERT])
    expect(guard.counters).to.include({ handshakes: 1, refusedHandshakeRate: 1, established: 1, failed: 1 })
  })
})
