import { expect } from 'chai'
import type { SigningKey } from '@gridseal/pqc'
import { startInitiator, stepInitiator } from '#src/handshake/initiator.ts'
import { startResponder, stepResponder } from '#src/handshake/responder.ts'
import { HandshakeExchange } from '#src/datagram/exchange.ts'
import type { ExchangeEffect } from '#src/datagram/exchange.ts'
import { decodePlain } from '#src/datagram/packet.ts'
import type { Fragment } from '#src/datagram/packet.ts'
import { initiatorConfig, responderConfig } from '../support/handshake-pair.ts'
import { FIELD, HEAD } from '../support/identities.ts'

const BACKOFF = { first: 500, most: 8000 }
const [CLIENT, SERVER] = [0x11111111, 0x22222222]

interface Driven {
  readonly exchange: HandshakeExchange<unknown>
  readonly done: ExchangeEffect[]
  /** Signs whatever wants to be signed; returns the packets. */
  readonly run: (effects: ExchangeEffect[], now: number) => Fragment[]
}

function driven(exchange: HandshakeExchange<unknown>, key: SigningKey): Driven {
  const done: ExchangeEffect[] = []
  const run = (effects: ExchangeEffect[], now: number): Fragment[] =>
    effects.flatMap((effect) => {
      done.push(effect)
      if (effect.kind === 'sign') {
        return run(exchange.input({ kind: 'signed', signature: key.signSync(effect.message) }, now), now)
      }
      return effect.kind === 'packet' ? [decodePlain(effect.packet) as Fragment] : []
    })
  return { exchange, done, run }
}

function client(mtu = 1200): Driven {
  const config = initiatorConfig({ ordering: 'window' })
  const exchange = new HandshakeExchange({
    first: startInitiator(config),
    step: (state, input) => stepInitiator(config, state, input),
    drives: true,
    backoff: BACKOFF,
    mtu,
    local: CLIENT,
    remote: 0,
  })
  return driven(exchange as HandshakeExchange<unknown>, FIELD)
}

function server(): Driven {
  const config = responderConfig({ ordering: 'window' })
  const exchange = new HandshakeExchange({
    first: startResponder(),
    step: (state, input) => stepResponder(config, state, input),
    drives: false,
    backoff: BACKOFF,
    mtu: 1200,
    local: SERVER,
    remote: CLIENT,
  })
  return driven(exchange as HandshakeExchange<unknown>, HEAD)
}

/** The whole first flight, as after a retry. */
function begun({ exchange, run }: Driven): Fragment[] {
  run(exchange.begin(0), 0)
  return run(exchange.retry(Uint8Array.of(1), 0), 0)
}

const numbers = (fragments: readonly Fragment[]): number[] => [...new Set(fragments.map(({ number }) => number))]

describe('channel over datagrams: the handshake', () => {
  it('sends the flight again after 500 ms, twice as long each time, at most every 8 s', () => {
    const { exchange, run } = client()
    const first = run(exchange.begin(0), 0)
    expect(first, 'the first fragment, for a token').to.have.length(1)
    const times: number[] = []
    while (times.length < 7) {
      const now = exchange.wake
      expect(run(exchange.tick(now - 1), now - 1), 'nothing before').to.deep.equal([])
      expect(run(exchange.tick(now), now)).to.deep.equal(first)
      times.push(now)
    }
    expect(times).to.deep.equal([500, 1500, 3500, 7500, 15_500, 23_500, 31_500])
    expect(exchange.counters.retransmitted).to.equal(7)
  })

  it('brings the token with every fragment, at once, and takes at most four', () => {
    const { exchange, run } = client()
    run(exchange.begin(0), 0)
    for (let n = 1; n <= 4; n++) {
      const now = n * 1000
      const sent = run(exchange.retry(Uint8Array.of(n), now), now)
      expect(run(exchange.retry(Uint8Array.of(n), now + 249), now + 249), 'doubled').to.deep.equal([])
      expect(sent.map(({ token, receiver }) => [...token, receiver])).to.deep.equal([
        [n, 0],
        [n, 0],
      ])
    }
    expect(run(exchange.retry(Uint8Array.of(5), 5000), 5000)).to.deep.equal([])
    expect(exchange.counters.refused).to.equal(1)
  })

  it('takes no token that leaves too little room for a fragment beside it', () => {
    for (const [length, taken] of [
      [173, true],
      [174, false],
      [237, false],
      [255, false],
    ] as const) {
      const { exchange, run } = client(256)
      run(exchange.begin(0), 0)
      const sent = run(exchange.retry(new Uint8Array(length), 1000), 1000)
      expect(sent.length > 0, `${length}`).to.equal(taken)
      expect(exchange.counters.refused).to.equal(taken ? 0 : 1)
    }
  })

  it('is done in two flights each; every message is taken once, whatever comes twice', () => {
    const [a, b] = [client(), server()]
    const hello = begun(a)
    const answer = hello.flatMap((fragment) => b.run(b.exchange.fragment(fragment, 1), 1))
    expect(numbers(answer)).to.deep.equal([0, 1])
    const auth = [...answer, ...answer].flatMap((fragment) => a.run(a.exchange.fragment(fragment, 2), 2))
    expect(numbers(auth)).to.deep.equal([1])
    const confirm = auth.flatMap((fragment) => b.run(b.exchange.fragment(fragment, 3), 3))
    for (const fragment of [...confirm, ...confirm]) a.run(a.exchange.fragment(fragment, 4), 4)
    for (const { done } of [a, b]) {
      expect(done.filter(({ kind }) => kind === 'established')).to.have.length(1)
      expect(done.filter(({ kind }) => kind === 'sign')).to.have.length(1)
    }
    expect(a.exchange.wake).to.equal(Number.POSITIVE_INFINITY)
  })

  it('a lost confirm comes again when the auth does, once for all its fragments, also from who is established', () => {
    const [a, b] = [client(), server()]
    const answer = begun(a).flatMap((fragment) => b.run(b.exchange.fragment(fragment, 1), 1))
    const auth = answer.flatMap((fragment) => a.run(a.exchange.fragment(fragment, 2), 2))
    const confirm = auth.flatMap((fragment) => b.run(b.exchange.fragment(fragment, 3), 3))
    expect(b.done.some(({ kind }) => kind === 'established')).to.equal(true)
    const now = a.exchange.wake
    const again = a.run(a.exchange.tick(now), now)
    expect(again).to.deep.equal(auth)
    expect(again.length).to.be.greaterThan(1)
    expect(again.flatMap((fragment) => b.run(b.exchange.fragment(fragment, now), now))).to.deep.equal(confirm)
    for (const fragment of confirm) a.run(a.exchange.fragment(fragment, now + 1), now + 1)
    expect(a.done.some(({ kind }) => kind === 'established')).to.equal(true)
  })

  it('the responder never sends by time', () => {
    const b = server()
    const a = client()
    for (const fragment of begun(a)) b.run(b.exchange.fragment(fragment, 1), 1)
    expect(b.exchange.wake).to.equal(Number.POSITIVE_INFINITY)
    expect(b.exchange.tick(1_000_000)).to.deep.equal([])
  })

  it('takes fragments of the next two messages only, and of one peer', () => {
    const b = server()
    const a = client()
    const [fragment] = begun(a)
    b.run(b.exchange.fragment({ ...fragment!, number: 2 }, 1), 1)
    b.run(b.exchange.fragment({ ...fragment!, number: 255 }, 1), 1)
    b.run(b.exchange.fragment({ ...fragment!, sender: 0x33333333 }, 1), 1)
    b.run(b.exchange.fragment({ ...fragment!, sender: 0 }, 1), 1)
    expect(b.exchange.counters.refused).to.equal(4)
    expect(b.exchange.heard).to.equal(false)
  })

  it('a message that is not right fails it with an alert that says nothing, and nothing has an effect after it', () => {
    const b = server()
    const a = client()
    const hello = begun(a).map((fragment) => ({ ...fragment, bytes: fragment.bytes.slice() }))
    hello[0]!.bytes[5]! = 9
    const effects = hello.flatMap((fragment) => b.exchange.fragment(fragment, 1))
    expect(effects.map(({ kind }) => kind)).to.deep.equal(['packet', 'fail'])
    expect(decodePlain(effects[0]!.kind === 'packet' ? effects[0]!.packet : new Uint8Array(0))).to.deep.equal({
      kind: 'alert',
      receiver: CLIENT,
      sender: SERVER,
      code: 1,
    })
    expect(a.exchange.alert(1, 2).map(({ kind }) => kind)).to.deep.equal(['fail'])
    for (const { exchange } of [a, b]) {
      expect(exchange.input({ kind: 'timeout' }, 3)).to.deep.equal([])
      expect(exchange.tick(1_000_000)).to.deep.equal([])
    }
  })
})
