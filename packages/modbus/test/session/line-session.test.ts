import { expect } from 'chai'
import { ProtocolError, fromHex } from '@gridseal/wire'
import { Deadlines } from '#src/session/deadlines.ts'
import { settleSession } from '#src/session/session-options.ts'
import { usageError } from '../support/errors.ts'
import { SessionScript, read, write } from '../support/session-script.ts'

const ONE = '03 02 0001'

describe('Modbus client session: who is next', () => {
  it('serves by priority, and within one in the order of the calls', () => {
    const script = new SessionScript()
    script.ask(read(0))
    script.ask(read(1), { priority: 'low' })
    script.ask(read(2))
    script.ask(read(3), { priority: 'high' })
    script.ask(read(4))
    for (let i = 0; i < 5; i++) script.answer(ONE)
    expect(script.order).to.deep.equal(['1/0', '1/3', '1/2', '1/4', '1/1'])
  })

  it('is fair between units: a flood for one does not keep another waiting', () => {
    const script = new SessionScript({ maxQueued: 1000 })
    for (let i = 0; i < 100; i++) script.ask(read(i), { unit: 1 })
    script.ask(read(500), { unit: 2 })
    script.answer(ONE)
    script.answer(ONE)
    expect(script.order.slice(0, 3)).to.deep.equal(['1/0', '1/1', '2/500'])
  })

  it('cancels what waits: it is never sent', () => {
    const script = new SessionScript()
    script.ask(read(0))
    const second = script.ask(read(1))
    script.ask(read(2))
    script.session.cancel(script.calls[second]!, new ProtocolError('modbus.client.cancelled', 'enough'))
    expect([script.outcome(second), script.session.queued]).to.deep.equal(['modbus.client.cancelled', 1])
    script.answer(ONE)
    expect(script.order).to.deep.equal(['1/0', '1/2'])
  })

  it('keeps the line for what is cancelled under way, and tells nobody of its answer', () => {
    const script = new SessionScript()
    const first = script.ask(read(0))
    script.ask(read(1))
    script.session.cancel(script.calls[first]!, new ProtocolError('modbus.client.cancelled', 'enough'))
    expect(script.outcome(first)).to.equal('modbus.client.cancelled')
    expect(script.sent).to.have.length(1)
    script.answer(ONE)
    expect(script.order).to.deep.equal(['1/0', '1/1'])
  })

  it('rests between frames on the line, and longer for a unit that needs it', () => {
    const script = new SessionScript({ gap: 10, units: { 2: { gap: 50 } } })
    script.ask(read(0), { unit: 2 })
    script.ask(read(1), { unit: 2 })
    script.ask(read(2), { unit: 1 })
    script.answer(ONE)
    expect(script.sent).to.have.length(1)
    script.pass(10)
    expect(script.order).to.deep.equal(['2/0', '1/2'])
    script.answer(ONE)
    script.pass(39)
    expect(script.sent).to.have.length(2)
    script.pass(1)
    expect(script.order.at(-1)).to.equal('2/1')
  })
})

describe('Modbus client session: deadlines and late answers', () => {
  it('ends what waits and what is under way at its own deadline', () => {
    const script = new SessionScript({ timeout: 100, backoff: { failures: 9 } })
    const slow = script.ask(read(0))
    const waiting = script.ask(read(1), { timeout: 40 })
    script.pass(40)
    expect([script.outcome(waiting), script.details(waiting)['sent']]).to.deep.equal(['modbus.client.timeout', false])
    script.pass(60)
    expect([script.outcome(slow), script.details(slow)['sent']]).to.deep.equal(['modbus.client.timeout', true])
    expect(script.order).to.deep.equal(['1/0'])
  })

  it('waits for an answer no longer than the response timeout, however long the deadline', () => {
    const script = new SessionScript({ timeout: 1000, responseTimeout: 50, units: { 9: { responseTimeout: 200 } } })
    const first = script.ask(read(0))
    const second = script.ask(read(1), { unit: 9 })
    script.pass(50)
    expect([script.outcome(first), script.order.at(-1)]).to.deep.equal(['modbus.client.timeout', '9/1'])
    script.pass(199)
    expect(script.outcome(second)).to.equal(undefined)
    script.pass(1)
    expect(script.outcome(second)).to.equal('modbus.client.timeout')
  })

  it('discards a late answer by its transaction id', () => {
    const script = new SessionScript({ timeout: 100 })
    script.ask(read(0))
    script.pass(100)
    const next = script.ask(read(1))
    script.answer('03 02 1111', script.sent[0])
    expect(script.outcome(next)).to.equal(undefined)
    script.answer('03 02 2222')
    expect(script.outcomes[next]).to.deep.equal({ kind: 'readHoldingRegisters', values: [0x2222] })
    expect(script.session.counters).to.include({ foreign: 1, timeouts: 1, answers: 1 })
  })

  it('gives each of 65536 requests its own transaction id, and passes over those still open', () => {
    const script = new SessionScript({ inFlight: 2, timeout: 1e9 })
    script.ask(read(9999))
    const open = script.sent[0]!.transaction
    const seen = new Set<number | null>()
    for (let i = 0; i < 0x1_0000; i++) {
      const index = script.ask(read(i & 0xfff))
      const { transaction } = script.sent.at(-1)!
      if (transaction === open) expect.fail('an id that is still in use')
      seen.add(transaction)
      script.answer(`03 02 ${(i & 0xffff).toString(16).padStart(4, '0')}`)
      const outcome = script.outcomes[index] as unknown as { values?: number[] } | undefined
      if (outcome?.values?.[0] !== (i & 0xffff)) expect.fail(`a wrong answer to request ${i}`)
    }
    expect(seen.size).to.equal(0xffff)
  })

  it('keeps a serial line quiet until what comes late has passed', () => {
    const script = new SessionScript({ framing: 'rtu', timeout: 100, backoff: { failures: 9 } })
    script.ask(read(0))
    script.pass(100)
    const next = script.ask(read(1))
    script.pass(15)
    script.answer('03 02 1111', script.sent[0])
    script.pass(19)
    expect(script.sent).to.have.length(1)
    script.pass(1)
    expect(script.sent).to.have.length(2)
    script.answer('03 02 2222')
    expect(script.outcomes[next]).to.deep.equal({ kind: 'readHoldingRegisters', values: [0x2222] })
  })

  it('goes on at once with other units after a timeout in which not a byte came, and waits after half a frame', () => {
    const script = new SessionScript({ framing: 'rtu', timeout: 500, responseTimeout: 100, gap: 0 })
    script.ask(read(0), { unit: 3 })
    script.ask(read(1), { unit: 3 })
    script.ask(read(2), { unit: 4 })
    script.pass(100)
    expect(script.order).to.deep.equal(['3/0', '4/2'])
    script.pass(95)
    script.bytes(fromHex('04 03'))
    script.pass(24)
    expect(script.order).to.have.length(2)
    script.pass(1)
    expect(script.order).to.deep.equal(['3/0', '4/2', '3/1'])
  })

  it('takes the answer to a function of unknown length when the line falls silent', () => {
    const script = new SessionScript({ framing: 'rtu' })
    const custom = script.ask({ kind: 'other', function: 100, data: fromHex('01') })
    script.answer('64 01 02 03 04 05')
    expect(script.outcome(custom)).to.equal(undefined)
    script.pass(20)
    expect(script.outcome(custom)).to.equal('other')
  })
})

describe('Modbus client session: units that do not answer', () => {
  const patient = { timeout: 1000, responseTimeout: 100, backoff: { failures: 2, base: 1000, max: 3000 } }

  it('leaves a dead unit alone and refuses what is meant for it, so that it costs its neighbours nothing', () => {
    const script = new SessionScript(patient)
    const asked = [0, 1, 2, 3, 4].map((address) => script.ask(read(address), { unit: 3 }))
    script.ask(read(10), { unit: 1 })
    script.pass(200)
    script.answer(ONE)
    expect(asked.map((index) => script.outcome(index))).to.deep.equal([
      'modbus.client.timeout',
      'modbus.client.timeout',
      'modbus.client.unit-dead',
      'modbus.client.unit-dead',
      'modbus.client.unit-dead',
    ])
    expect(script.order).to.deep.equal(['3/0', '3/1', '1/10'])
    const refused = script.ask(read(5), { unit: 3 })
    expect(script.details(refused)).to.include({ unit: 3, retryIn: 1000, sent: false })
  })

  it('tries it again after a pause that doubles up to its limit, one request at a time', () => {
    const script = new SessionScript(patient)
    const pauses: number[] = []
    for (let i = 0; i < 2; i++) {
      script.ask(read(0), { unit: 3 })
      script.pass(100)
    }
    for (let i = 0; i < 4; i++) {
      const from = script.now
      const before = script.sent.length
      while (script.sent.length === before) {
        script.pass(10)
        script.ask(read(0), { unit: 3 })
      }
      pauses.push(script.now - from)
      expect(script.outcome(script.ask(read(1), { unit: 3 }))).to.equal('modbus.client.unit-dead')
      script.pass(100)
    }
    expect(pauses).to.deep.equal([1000, 2000, 3000, 3000])
  })

  it('forgets all that as soon as it answers, be it with an exception', () => {
    const script = new SessionScript(patient)
    for (let i = 0; i < 2; i++) {
      script.ask(read(0), { unit: 3 })
      script.pass(100)
    }
    script.pass(1000)
    script.ask(read(0), { unit: 3 })
    script.answer('83 02')
    expect(script.session.unit(3)).to.include({ dead: false, failures: 0 })
    script.ask(read(1), { unit: 3 })
    expect(script.order.at(-1)).to.equal('3/1')
  })

  it('believes a gateway that says its target does not answer (0B), and not other exceptions', () => {
    const script = new SessionScript(patient)
    for (const exception of ['0B', '0A']) {
      script.ask(read(0), { unit: 3 })
      script.answer(`83 ${exception}`)
    }
    expect(script.session.unit(3).dead).to.equal(true)
    for (let i = 0; i < 5; i++) {
      script.ask(read(0), { unit: 4 })
      script.answer('83 04')
    }
    expect(script.session.unit(4).dead).to.equal(false)
  })

  it('sends what is forced all the same', () => {
    const script = new SessionScript({ ...patient, backoff: { failures: 1 } })
    script.ask(read(0), { unit: 3 })
    const forced = script.ask(read(1), { unit: 3, force: true })
    script.pass(100)
    script.answer(ONE)
    expect(script.outcome(forced)).to.equal('readHoldingRegisters')
  })
})

describe('Modbus client session: repeating and reordering', () => {
  it('repeats what only reads, within its deadline, and never a write', () => {
    const script = new SessionScript({ timeout: 1000, responseTimeout: 100, retries: 2, backoff: { failures: 9 } })
    const reading = script.ask(read(0))
    script.pass(100)
    expect(script.order).to.deep.equal(['1/0', '1/0'])
    script.answer(ONE)
    expect(script.outcome(reading)).to.equal('readHoldingRegisters')
    const writing = script.ask(write(5))
    script.pass(100)
    expect(script.outcome(writing)).to.equal('modbus.client.timeout')
    expect(script.order).to.deep.equal(['1/0', '1/0', '1/5'])
    expect(script.session.counters.retries).to.equal(1)
  })

  it('asks a busy device (06) again after a pause, also for a write: it was not carried out', () => {
    const script = new SessionScript({ retries: 1 })
    const writing = script.ask(write(5))
    script.answer('86 06')
    script.pass(99)
    expect(script.sent).to.have.length(1)
    script.pass(1)
    script.answer('06 0005 0007')
    expect(script.outcome(writing)).to.equal('writeSingleRegister')
    script.ask(write(6))
    script.answer('86 06')
    script.pass(100)
    script.answer('86 06')
    expect(script.outcome(1)).to.equal('modbus.exception')
  })

  it('lets nothing of the same unit overtake or accompany a write', () => {
    const script = new SessionScript({ inFlight: 8 })
    script.ask(read(0))
    script.ask(read(1))
    script.ask(write(2))
    script.ask(read(3))
    script.ask(read(4), { unit: 2 })
    expect(script.order).to.deep.equal(['1/0', '1/1', '2/4'])
    script.answer(ONE, script.sent[1])
    script.answer(ONE, script.sent[0])
    expect(script.order.slice(3)).to.deep.equal(['1/2'])
    script.answer('06 0002 0007')
    expect(script.order.slice(3)).to.deep.equal(['1/2', '1/3'])
  })

  it('keeps one request at a time to each unit behind a gateway', () => {
    const script = new SessionScript({ inFlight: 8, inFlightPerUnit: 1 })
    for (const unit of [1, 1, 2, 2, 3]) script.ask(read(unit), { unit })
    expect(script.order).to.deep.equal(['1/1', '2/2', '3/3'])
  })

  it('waits the turnaround delay after a broadcast, which nobody answers', () => {
    const script = new SessionScript({ framing: 'rtu', turnaround: 150 })
    const broadcast = script.ask(write(0), { unit: 0 })
    script.ask(read(1))
    expect(script.outcome(broadcast)).to.equal('sent')
    script.pass(149)
    expect(script.sent).to.have.length(1)
    script.pass(1)
    expect(script.order).to.deep.equal(['0/0', '1/1'])
  })
})

describe('Modbus client session: the connection', () => {
  it('keeps what waits while there is none, within its deadline', () => {
    const script = new SessionScript({ timeout: 500 })
    const under = script.ask(read(0))
    const waits = script.ask(read(1))
    const short = script.ask(read(2), { timeout: 100 })
    script.down()
    expect([script.outcome(under), script.details(under)['sent']]).to.deep.equal(['modbus.client.closed', true])
    script.pass(100)
    expect((script.outcomes[short] as Error).message).to.contain('cannot be reached')
    script.session.up(script.now)
    expect(script.order).to.deep.equal(['1/0', '1/1'])
    script.answer(ONE)
    expect(script.outcome(waits)).to.equal('readHoldingRegisters')
  })

  it('repeats a read that was under way when it broke, and tells of a write that it may have been carried out', () => {
    const script = new SessionScript({ retries: 1, inFlight: 2 })
    const reading = script.ask(read(0), { unit: 1 })
    const writing = script.ask(write(1), { unit: 2 })
    script.down()
    expect([script.outcome(writing), script.details(writing)['sent']]).to.deep.equal(['modbus.client.closed', true])
    script.session.up(script.now)
    script.answer(ONE)
    expect(script.outcome(reading)).to.equal('readHoldingRegisters')
  })

  it('gives up a connection on which nothing comes back, and only then', () => {
    const script = new SessionScript({ responseTimeout: 10, giveUpAfter: 3, backoff: { failures: 99 } })
    for (let i = 0; i < 5; i++) {
      script.ask(read(i))
      if (i === 1) script.answer('03 02 0001', { transaction: 999, unit: 1, request: read(0) })
      script.pass(10)
    }
    expect(script.givenUp.map(({ code }) => code)).to.deep.equal(['modbus.client.mute'])
    expect(script.sent).to.have.length(5)
  })

  it('gives up a connection on which something else than Modbus comes', () => {
    const script = new SessionScript()
    script.ask(read(0))
    for (let i = 0; i < 3; i++) {
      script.bytes(new TextEncoder().encode('HTTP/1.1 400 Bad Request\r\n'))
      script.answer('83 02')
    }
    expect(script.givenUp.at(0)).to.have.property('code', 'modbus.client.mbap')
  })

  it('counts that anew for each connection', () => {
    const script = new SessionScript()
    for (let i = 0; i < 4; i++) {
      script.ask(read(i))
      script.bytes(new TextEncoder().encode('HTTP/1.1 400 Bad Request\r\n'))
      script.down()
      script.session.up(script.now)
    }
    expect(script.givenUp).to.deep.equal([])
  })

  it('ends everything when it is closed', () => {
    const script = new SessionScript()
    for (let i = 0; i < 4; i++) script.ask(read(i), { unit: 1 + (i % 2) })
    script.session.end((sent) => new ProtocolError('modbus.client.closed', 'closed', { sent }), 0)
    expect(script.outcomes.map((_, index) => script.details(index)['sent'])).to.deep.equal([true, false, false, false])
    expect([script.session.queued, script.session.underWay, script.session.wakeAt]).to.deep.equal([0, 0, Infinity])
  })
})

describe('Modbus client session: options', () => {
  it('refuses what cannot be', () => {
    const line = { silence: 20, gap: 0 }
    for (const options of [
      { timeout: 0 },
      { responseTimeout: -1 },
      { maxQueued: 0 },
      { inFlight: 2.5 },
      { inFlight: 2, inFlightPerUnit: 3 },
      { gap: -1 },
      { backoff: { failures: 0 } },
      { backoff: { base: 100, max: 10 } },
      { units: { 256: {} } },
      { units: { 1: { gap: -1 } } },
    ]) {
      expect(usageError(() => settleSession(options, 'tcp', line)).code).to.equal('modbus.client.option')
    }
    expect(usageError(() => settleSession({ inFlight: 2 }, 'rtu', line)).code).to.equal('modbus.client.option')
  })
})

describe('Deadlines', () => {
  it('come in order, also after some have moved or left', () => {
    const deadlines = new Deadlines<{ due: number; heapIndex: number; name: number }>()
    let seed = 7
    const random = (): number => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % 1000
    const items = Array.from({ length: 500 }, (_, name) => ({ due: random(), heapIndex: -1, name }))
    for (const item of items) deadlines.add(item)
    for (const item of items.filter(({ name }) => name % 3 === 0)) deadlines.remove(item)
    for (const item of items.filter(({ name }) => name % 3 === 1)) {
      item.due = random()
      deadlines.moved(item)
    }
    const expected = items.filter(({ name }) => name % 3 !== 0).map(({ due }) => due)
    const taken: number[] = []
    for (let item = deadlines.take(1e9); item !== undefined; item = deadlines.take(1e9)) taken.push(item.due)
    expect(taken).to.deep.equal(expected.sort((a, b) => a - b))
    expect([deadlines.size, deadlines.next]).to.deep.equal([0, Infinity])
  })
})

describe('Modbus client session: a line of four units, of which one is dead', () => {
  it('keeps the period of the others within 10 %, and memory within its bounds, for an hour', () => {
    const PERIOD = 1000
    const ANSWER_TIME = 20
    const script = new SessionScript({ framing: 'rtu', timeout: 1000, responseTimeout: 80, maxQueued: 16 })
    const done = new Map<number, number[]>([1, 2, 3].map((unit) => [unit, []]))
    for (let second = 0; second < 3600; second++) {
      const asked = [4, 1, 2, 3].map((unit) => ({ unit, index: script.ask(read(0), { unit }) }))
      const end = (second + 1) * PERIOD
      let answered = script.sent.length - (script.session.underWay > 0 ? 1 : 0)
      while (script.now < end) {
        const frame = script.sent[answered]
        if (frame === undefined) script.pass(1)
        else if (frame.unit === 4) {
          script.pass(1)
          answered += script.sent.length > answered + 1 || script.session.underWay === 0 ? 1 : 0
        } else {
          script.pass(ANSWER_TIME)
          script.answer('03 02 0001', frame)
          done.get(frame.unit)!.push(script.now)
          answered++
        }
      }
      for (const { unit, index } of asked) {
        const outcome = script.outcome(index)
        if (unit === 4 ? outcome === 'readHoldingRegisters' : outcome !== 'readHoldingRegisters') {
          expect.fail(`second ${second}, unit ${unit}: ${outcome}`)
        }
      }
    }
    for (const [unit, times] of done) {
      expect(times.length, `unit ${unit}`).to.equal(3600)
      const periods = times.slice(1).map((time, i) => time - times[i]!)
      expect(Math.max(...periods), `unit ${unit}`).to.be.most(1.1 * PERIOD)
      expect(Math.min(...periods), `unit ${unit}`).to.be.least(0.9 * PERIOD)
    }
    // It was tried again once a minute in the end: an hour of silence costs a few seconds of the line.
    expect(script.session.counters.timeouts).to.be.within(60, 80)
    expect(script.session.counters.refused).to.be.greaterThan(3500)
  })

  it('holds ten thousand requests in two kilobytes each', () => {
    const script = new SessionScript({ maxQueued: 10_001, timeout: 1e6 })
    script.ask(read(0))
    globalThis.gc?.()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < 10_000; i++) script.ask(read(i), { unit: 1 + (i % 200) })
    expect(process.memoryUsage().heapUsed - before).to.be.below(20e6)
    expect([script.session.queued, script.session.underWay]).to.deep.equal([10_000, 1])
    for (let i = 0; i < 10_001; i++) script.answer('03 02 0001')
    expect([script.session.queued, script.session.underWay]).to.deep.equal([0, 0])
    expect(script.session.counters.answers).to.equal(10_001)
  })
})
