import { expect } from 'chai'
import { allOctets, headerOctets } from '#src/codec/header-octets.ts'
import { Association } from '#src/session/master/association.ts'
import type { AssociationHandler } from '#src/session/master/association.ts'
import { MasterChannel } from '#src/session/master/master-channel.ts'
import type { AssociationOptions } from '#src/session/master/master-options.ts'
import { classOctets, operateCommands, plainRequest } from '#src/session/master/procedures.ts'
import { PRIORITY } from '#src/session/master/task.ts'
import type { MasterProcedure, Outcome, TaskTimeouts } from '#src/session/master/task.ts'
import { Outbox } from '#src/session/outbox.ts'

const QUIET = { integrity: [], unsolicited: [], disableUnsolicited: false, keepAlive: 0 } as const
const LATCH = { kind: 'binary', index: 2, code: 3, count: 1, onTime: 100, offTime: 100 } as const

/** A master whose outstation is the test: requests are looked at, answers are made by hand. */
class Bench {
  now = 0
  readonly association: Association
  readonly #channel = new MasterChannel('stream', new Outbox())
  readonly sent: Uint8Array[] = []
  readonly ended: string[] = []
  fragments = 0

  constructor(options: Partial<AssociationOptions> = {}, handler: AssociationHandler = {}) {
    this.association = new Association(
      { local: 1, remote: 10, ...QUIET, ...options },
      {
        outbox: new Outbox(),
        utc: (now) => 1_800_000_000_000 + now,
        handler: {
          fragment: () => this.fragments++,
          taskEnded: (name, { ok }) => this.ended.push(`${name}${ok ? '' : ' failed'}`),
          ...handler,
        },
      },
    )
    this.association.link.send = (fragment) => void this.sent.push(fragment)
    this.#channel.add(this.association, 0)
    this.#channel.opened(0)
  }

  /** The next request: its sequence number and function. */
  request(): { sequence: number; function: number; objects: Uint8Array } | undefined {
    const fragment = this.sent.shift()
    return fragment && { sequence: fragment[0]! & 0x0f, function: fragment[1]!, objects: fragment.subarray(2) }
  }

  answer(control: number, code: number, iin = 0, objects: Uint8Array = new Uint8Array(0)): void {
    const fragment = Buffer.concat([new Uint8Array([control, code, iin >> 8, iin & 0xff]), objects])
    this.association.fragmentReceived(fragment, { source: 10, broadcast: undefined }, this.now)
  }

  submit<T>(
    name: string,
    procedure: () => MasterProcedure<T>,
    priority: number = PRIORITY.user,
    timeouts: TaskTimeouts = {},
  ): { outcome?: Outcome<T> } {
    const result: { outcome?: Outcome<T> } = {}
    this.association.submit(name, procedure, (outcome) => (result.outcome = outcome), this.now, priority, timeouts)
    this.#channel.choose(this.now)
    return result
  }

  advance(milliseconds: number): void {
    this.now += milliseconds
    this.#channel.advance(this.now)
  }

  close(): void {
    this.#channel.closed(this.now)
  }
}

const codeOf = (result: { outcome?: Outcome<unknown> }): unknown =>
  result.outcome?.ok === false ? (result.outcome.error as { code?: unknown }).code : result.outcome?.ok

describe('a DNP3 master', () => {
  it('asks again what was not answered, ever later, and takes the next sequence number each time', () => {
    const bench = new Bench({ integrity: [0], responseTimeout: 1000, retryBase: 2000, retryMax: 5000 })
    const times: number[] = []
    for (let i = 0; i < 210; i++) {
      for (let request = bench.request(); request !== undefined; request = bench.request()) {
        expect(request.sequence).to.equal(times.length & 15)
        times.push(bench.now)
      }
      bench.advance(100)
    }
    expect(times.slice(0, 5)).to.deep.equal([0, 3000, 8000, 14_000, 20_000])
  })

  it('DEVICE_RESTART in an unsolicited response with the octets of the last one is a restart again', () => {
    const bench = new Bench({ unsolicited: [1] })
    const codes = (): number[] => {
      const sent: number[] = []
      for (let request = bench.request(); request !== undefined; request = bench.request()) {
        sent.push(request.function)
        if (request.function !== 0) bench.answer(0xc0 | request.sequence, 129)
      }
      return sent
    }
    expect(codes()).to.deep.equal([20])
    for (let restarts = 0; restarts < 2; restarts++) {
      bench.answer(0xf0, 130, 0x8000)
      expect(codes()).to.deep.equal([0, 2, 20])
    }
    expect(bench.association.counters.repeatedUnsolicited).to.equal(1)
  })

  it('an outstation that never clears DEVICE_RESTART is asked again ever later, not without pause', () => {
    const bench = new Bench({ unsolicited: [1], integrity: [0], retryBase: 5000 })
    const codes: number[] = []
    for (let request = bench.request(); request !== undefined && codes.length < 100; request = bench.request()) {
      codes.push(request.function)
      bench.answer(0xc0 | request.sequence, 129, 0x8000)
    }
    expect(codes).to.deep.equal([1, 2, 20])
    bench.advance(5000)
    expect(bench.request()?.function).to.equal(2)
    expect(bench.ended).to.include('clearRestart failed')
  })

  it('an answer without end is given up', () => {
    const bench = new Bench()
    const result = bench.submit('read', () => plainRequest(1, allOctets(30, 0)))
    let { sequence } = bench.request()!
    const octets = Buffer.concat([new Uint8Array([30, 2, 0x00, 0, 255]), new Uint8Array(256 * 3)])
    let fragments = 0
    for (; result.outcome === undefined && fragments < 20_000; fragments++) {
      bench.answer((fragments === 0 ? 0x80 : 0) | sequence, 129, 0, octets)
      sequence = (sequence + 1) & 15
    }
    expect(codeOf(result)).to.equal('dnp3.master.too-long')
  })

  it('takes fragments of one answer in order only; strays are ignored and do not disturb', () => {
    const bench = new Bench()
    const result = bench.submit('read', () => plainRequest(1, allOctets(30, 0)))
    const { sequence } = bench.request()!
    bench.answer(0x80 | ((sequence + 1) & 15), 129)
    bench.answer(0x20 | sequence, 129)
    bench.answer(0xa0 | sequence, 129)
    expect(bench.request()).to.deep.include({ sequence, function: 0 })
    bench.answer(0x40 | ((sequence + 2) & 15), 129)
    bench.answer(0x80 | ((sequence + 1) & 15), 129)
    expect(result.outcome).to.equal(undefined)
    bench.answer(0x40 | ((sequence + 1) & 15), 129)
    expect(result.outcome?.ok && result.outcome.value.fragments.length).to.equal(2)
    expect(bench.association.counters.ignored).to.equal(4)
  })

  it('a task and a poll may have time-outs of their own', () => {
    const slow = { name: 'slow', every: 60_000, objects: classOctets([0]), responseTimeout: 9000 }
    const bench = new Bench({ responseTimeout: 1000, startTimeout: 1000, polls: [slow], retryBase: 60_000 })
    const run = (timeouts: TaskTimeouts): { outcome?: Outcome<unknown> } =>
      bench.submit('read', () => plainRequest(1, allOctets(30, 0)), PRIORITY.user, timeouts)
    const quick = run({ response: 200 })
    const [late, patient] = [run({ start: 100 }), run({ start: 3000 })]
    bench.advance(150)
    expect(codeOf(late)).to.equal('dnp3.master.expired')
    bench.advance(100)
    expect(codeOf(quick)).to.equal('dnp3.master.timeout')
    bench.advance(900)
    expect(patient.outcome).to.equal(undefined)
    bench.advance(200)
    expect(codeOf(patient)).to.equal('dnp3.master.timeout')
    bench.advance(60_000)
    bench.advance(8000)
    expect(bench.ended).to.not.include('slow failed')
    bench.advance(2000)
    expect(bench.ended).to.include('slow failed')
  })

  it('every fragment gets the whole time-out; then the task has failed', () => {
    const bench = new Bench({ responseTimeout: 1000 })
    const result = bench.submit('read', () => plainRequest(1, allOctets(30, 0)))
    const { sequence } = bench.request()!
    bench.advance(900)
    bench.answer(0x80 | sequence, 129)
    bench.advance(900)
    expect(result.outcome).to.equal(undefined)
    bench.advance(100)
    expect(codeOf(result)).to.equal('dnp3.master.timeout')
    bench.answer(0x40 | ((sequence + 1) & 15), 129)
    expect(bench.association.counters.ignored).to.equal(1)
  })

  it('confirms unsolicited responses at once, tells each once, and takes those of another UNS for none', () => {
    const bench = new Bench()
    const event = headerOctets(2, 1, 0x28, [{ index: 1, flags: 0x81 }])
    for (let i = 0; i < 2; i++) {
      bench.answer(0xf3, 130, 0, event)
      expect([...bench.sent.shift()!]).to.deep.equal([0xd3, 0])
    }
    bench.answer(0xf4, 130, 0, event)
    expect(bench.fragments).to.equal(2)
    bench.answer(0xe5, 130, 0, event)
    bench.answer(0xf5, 129, 0, event)
    expect([bench.fragments, bench.association.counters.ignored]).to.deep.equal([2, 2])
  })

  it('a guest on another master’s association confirms nothing unsolicited and clears nothing', () => {
    const bench = new Bench({ guest: true })
    bench.answer(0xf3, 130, 0x8000)
    expect(bench.request()).to.equal(undefined)
    const result = bench.submit('read', () => plainRequest(1, allOctets(30, 0)))
    bench.answer(0xc0 | bench.request()!.sequence, 129, 0x9000)
    expect(codeOf(result)).to.equal(true)
    bench.advance(60_000)
    expect(bench.request()).to.equal(undefined)
    expect(bench.fragments).to.equal(1)
  })

  it('DEVICE_RESTART: clears it, assigns classes, polls everything, switches unsolicited responses on', () => {
    const bench = new Bench({
      integrity: [1, 2, 3, 0],
      unsolicited: [1],
      assignClasses: Buffer.concat([classOctets([2]), allOctets(30, 0)]),
    })
    const functions: number[] = []
    for (let request = bench.request(); request !== undefined; request = bench.request()) {
      functions.push(request.function)
      bench.answer(0xc0 | request.sequence, 129, functions.length === 1 ? 0x8000 : 0)
    }
    expect(functions).to.deep.equal([1, 2, 22, 20])
    bench.answer(0xf0, 130, 0x8000)
    functions.length = 0
    for (let request = bench.request(); request !== undefined; request = bench.request()) {
      if (request.function === 0) continue
      functions.push(request.function)
      bench.answer(0xc0 | request.sequence, 129)
    }
    expect(functions).to.deep.equal([2, 22, 1, 20])
  })

  it('an outstation without unsolicited responses is not asked for them for ever', () => {
    const bench = new Bench({ unsolicited: [1, 2, 3] })
    const request = bench.request()!
    expect(request.function).to.equal(20)
    bench.answer(0xc0 | request.sequence, 129, 0x0001)
    bench.advance(100_000)
    expect(bench.request()).to.equal(undefined)
  })

  it('events and overflow ask for polls; NEED_TIME for the time', () => {
    const bench = new Bench({ eventScan: [1, 2], integrity: [0], timeSync: 'direct' })
    bench.answer(0xc0 | bench.request()!.sequence, 129, 0x0200 | 0x1000)
    const time = bench.request()!
    expect([time.function, time.objects[0]]).to.deep.equal([2, 50])
    bench.answer(0xc0 | time.sequence, 129)
    const scan = bench.request()!
    expect([...scan.objects]).to.deep.equal([...classOctets([1, 2])])
    bench.answer(0xc0 | scan.sequence, 129, 0x0008)
    expect([...bench.request()!.objects]).to.deep.equal([...classOctets([0])])
  })

  it('commands go before reads, reads before polls; what has no turn in time fails', () => {
    const bench = new Bench({
      startTimeout: 2000,
      responseTimeout: 5000,
      polls: [{ name: 'poll', every: 10, objects: allOctets(30, 0) }],
    })
    bench.submit('first', () => plainRequest(1, allOctets(1, 0)))
    const { sequence } = bench.request()!
    bench.advance(20)
    const read = bench.submit('read', () => plainRequest(1, allOctets(10, 0)))
    const command = bench.submit('command', () => operateCommands([LATCH], 'direct'), PRIORITY.command)
    bench.answer(0xc0 | sequence, 129)
    const direct = bench.request()!
    expect(direct.function).to.equal(5)
    bench.advance(2500)
    expect(codeOf(read)).to.equal('dnp3.master.expired')
    bench.answer(0xc0 | direct.sequence, 129, 0, direct.objects)
    expect(command.outcome?.ok).to.equal(true)
    expect([...bench.request()!.objects]).to.deep.equal([...allOctets(30, 0)])
  })

  describe('commands', () => {
    it('SELECT and OPERATE with consecutive sequence numbers and the same octets', () => {
      const bench = new Bench()
      const result = bench.submit('command', () => operateCommands([LATCH, { ...LATCH, index: 3 }], 'select'))
      const select = bench.request()!
      bench.answer(0xc0 | select.sequence, 129, 0, select.objects)
      const operate = bench.request()!
      expect([operate.function, operate.sequence]).to.deep.equal([4, (select.sequence + 1) & 15])
      expect(Buffer.compare(operate.objects, select.objects)).to.equal(0)
      bench.answer(0xc0 | operate.sequence, 129, 0, operate.objects)
      expect(result.outcome).to.deep.equal({ ok: true, value: { statuses: [0, 0], success: true } })
    })
    it('a SELECT that is refused is not operated', () => {
      const bench = new Bench()
      const result = bench.submit('command', () => operateCommands([LATCH], 'select'))
      const select = bench.request()!
      const refused = select.objects.slice()
      refused[refused.length - 1] = 7
      bench.answer(0xc0 | select.sequence, 129, 0, refused)
      expect(result.outcome).to.deep.equal({ ok: true, value: { statuses: [7], success: false } })
      expect(bench.request()).to.equal(undefined)
    })
    it('an echo that differs in a single octet is not trusted', () => {
      for (let at = 3; at < 17; at++) {
        const bench = new Bench()
        const result = bench.submit('command', () => operateCommands([LATCH], 'direct'))
        const direct = bench.request()!
        const changed = direct.objects.slice()
        changed[at]! ^= 0x04
        bench.answer(0xc0 | direct.sequence, 129, 0, changed)
        expect(codeOf(result), `octet ${at}`).to.equal('dnp3.master.echo')
      }
    })
    it('an answer without objects says why', () => {
      const bench = new Bench()
      const result = bench.submit('command', () => operateCommands([LATCH], 'direct'))
      bench.answer(0xc0 | bench.request()!.sequence, 129, 0x0001)
      expect(codeOf(result)).to.equal('dnp3.master.refused')
    })
  })

  it('when the connection ends, everything that waits fails, and nothing is sent any more', () => {
    const bench = new Bench({ integrity: [0] })
    bench.request()
    const [first, second] = [1, 2].map(() => bench.submit('read', () => plainRequest(1, allOctets(30, 0))))
    bench.close()
    expect([codeOf(first!), codeOf(second!)]).to.deep.equal(['dnp3.master.closed', 'dnp3.master.closed'])
    expect(codeOf(bench.submit('late', () => plainRequest(1)))).to.equal('dnp3.master.closed')
    bench.advance(100_000)
    expect(bench.request()).to.equal(undefined)
  })
})
