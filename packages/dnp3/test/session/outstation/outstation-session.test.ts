import { expect } from 'chai'
import { toHex } from '@gridseal/wire'
import type { Fragment } from '#src/codec/application.ts'
import { encodeAttribute } from '#src/codec/attributes.ts'
import { decodeDataSet, encodeDataSet, encodeDescriptor } from '#src/codec/data-sets.ts'
import { allOctets, countOctets, headerOctets, rangeOctets, sizedOctets } from '#src/codec/header-octets.ts'
import { decodeObjects } from '#src/codec/objects.ts'
import { classOctets } from '#src/session/master/procedures.ts'
import { AttributeStore } from '#src/session/outstation/attribute-store.ts'
import { DataSetStore } from '#src/session/outstation/data-set-store.ts'
import type { PointOptions } from '#src/session/outstation/database.ts'
import type { OutstationHandler } from '#src/session/outstation/handler.ts'
import { Bench, UTC, placeOf, valuesOf } from '../../support/outstation-bench.ts'

const analog = (index: number, options: Partial<PointOptions> = {}): PointOptions => ({
  kind: 'analog-input',
  index,
  value: 0,
  ...options,
})

describe('a DNP3 outstation', () => {
  describe('points and their variations', () => {
    it('a variation without flags gives way to one with flags where they say more than ONLINE', () => {
      const bench = new Bench([analog(0), analog(1), analog(2)])
      bench.database.update('analog-input', 1, { flags: 0x09 }, 0)
      bench.database.update('analog-input', 2, { value: 1e6 }, 0)
      expect(valuesOf(bench.ask(1, allOctets(30, 4)))).to.deep.equal([
        ['g30v4', 0, 0],
        ['g30v2', 1, 0],
        ['g30v2', 2, 32_767],
      ])
    })
    it('values are limited to their variation, counters cut to it, fractions cut off', () => {
      const bench = new Bench([
        analog(0, { value: -1e12 }),
        analog(1, { value: -1.9 }),
        analog(2, { value: NaN }),
        { kind: 'counter', index: 0, value: 70_000 },
      ])
      expect(valuesOf(bench.ask(1, allOctets(30, 1)))).to.deep.equal([
        ['g30v1', 0, -0x8000_0000],
        ['g30v1', 1, -1],
        ['g30v1', 2, 0],
      ])
      expect(bench.ask(1, allOctets(30, 1))?.headers[0]?.data[0]).to.equal(0x21)
      expect(valuesOf(bench.ask(1, allOctets(20, 6)))).to.deep.equal([['g20v6', 0, 70_000 - 65_536]])
      expect(valuesOf(bench.ask(1, allOctets(30, 6)))[0]).to.deep.equal(['g30v6', 0, -1e12])
    })
    it('ranges, lists of indexes and counts name points; what is missing is left out and told', () => {
      const bench = new Bench([analog(0), analog(2), analog(300)])
      const indexes = (fragment: Fragment | undefined): unknown[] =>
        valuesOf(fragment).map((value) => (value as unknown[])[1])
      expect(indexes(bench.ask(1, rangeOctets(30, 0, 0, 2)))).to.deep.equal([0, 2])
      const part = bench.ask(1, rangeOctets(30, 0, 1, 300))
      expect([indexes(part), part!.iin! & 7]).to.deep.equal([[2, 300], 4])
      expect(indexes(bench.ask(1, countOctets(30, 0, 2)))).to.deep.equal([0, 2])
      const listed = bench.ask(1, new Uint8Array([30, 0, 0x28, 2, 0, 44, 1, 9, 0]))
      expect([indexes(listed), listed!.iin! & 7]).to.deep.equal([[300], 4])
    })
    it('octet strings go by their length, in class 0 only where told', () => {
      const text = (value: string): Uint8Array => new TextEncoder().encode(value)
      const bench = new Bench([
        { kind: 'octet-string', index: 0, value: text('ab') },
        { kind: 'octet-string', index: 1, value: text('cd'), class0: true },
        { kind: 'octet-string', index: 2, value: text('xyz') },
      ])
      expect(bench.ask(1, allOctets(110, 0))?.headers.map(({ variation }) => variation)).to.deep.equal([2, 3])
      expect(valuesOf(bench.ask(1, classOctets([0])))).to.have.length(1)
      bench.ask(2, headerOctets(110, 2, 0x00, [{ index: 2, value: text('ok') }]))
      expect(toHex(bench.database.point('octet-string', 2)!.value as Uint8Array)).to.equal('6f6b')
    })
    it('BCD and unsigned integers are read and written; digits that are none are refused', () => {
      const bench = new Bench([
        { kind: 'bcd', index: 0, value: 1234 },
        { kind: 'unsigned', index: 0, value: 200 },
      ])
      expect(toHex(bench.ask(1, allOctets(101, 2))!.headers[0]!.data)).to.equal('34120000')
      expect(toHex(bench.ask(1, allOctets(102, 0))!.headers[0]!.data)).to.equal('c8')
      expect(bench.ask(2, new Uint8Array([101, 1, 0, 0, 0, 0x99, 0x42]))!.iin! & 7).to.equal(0)
      expect(bench.database.point('bcd', 0)?.value).to.equal(4299)
      expect(bench.ask(2, new Uint8Array([101, 1, 0, 0, 0, 0x9a, 0x42]))!.iin! & 7).to.equal(4)
    })
  })

  describe('events (clause 5)', () => {
    it('the deadband counts from what was last reported, not from what was last', () => {
      const bench = new Bench([analog(0, { deadband: 10 })])
      for (const value of [4, 8, 10, 11, 15, 21, 22]) bench.database.update('analog-input', 0, { value }, 0)
      expect(valuesOf(bench.ask(1, classOctets([1]))).map((value) => (value as unknown[])[2])).to.deep.equal([11, 22])
    })
    it('no more than the buffer holds: the oldest is lost, and that is told until there is room', () => {
      const bench = new Bench([analog(0)], { events: { 'analog-input': 3 } })
      for (let value = 1; value <= 5; value++) bench.database.update('analog-input', 0, { value }, 0)
      const answer = bench.ask(1, countOctets(60, 2, 2))
      expect(valuesOf(answer).map((value) => (value as unknown[])[2])).to.deep.equal([3, 4])
      expect(answer!.iin! & 8).to.equal(8)
      expect(bench.session.events.lost).to.equal(2)
      bench.confirm()
      expect(bench.ask(23)!.iin! & 8).to.equal(0)
    })
    it('a response in several fragments: each is confirmed before the next; one that is not is told again', () => {
      const bench = new Bench(
        Array.from({ length: 60 }, (_, index) => analog(index)),
        { maxTransmit: 249 },
      )
      for (let index = 0; index < 60; index++) bench.database.update('analog-input', index, { value: 5 }, 0)
      const first = bench.ask(1, classOctets([1]))
      expect([first?.control.first, first?.control.final, first?.control.confirm]).to.deep.equal([true, false, true])
      expect(bench.confirm(false, 5)).to.equal(undefined)
      const second = bench.confirm()
      expect([second?.control.first, second?.control.sequence]).to.deep.equal([
        false,
        (first!.control.sequence + 1) & 15,
      ])
      const confirmed = valuesOf(first).length
      expect(bench.advance(5000)).to.equal(undefined)
      expect(valuesOf(bench.ask(1, classOctets([1])))[0]).to.deep.equal(['g32v3', confirmed, 5])
    })
    it('a repeated request is answered again with the same octets, and not carried out again', () => {
      const bench = new Bench([
        { kind: 'counter', index: 0, value: 5 },
        { kind: 'frozen-counter', index: 0, value: 0 },
      ])
      bench.raw('c1 09 140006')
      bench.database.update('counter', 0, { value: 3 }, 0)
      bench.raw('c1 09 140006')
      expect(bench.database.point('counter', 0)?.value).to.equal(3)
      expect(bench.session.counters.repeated).to.equal(1)
    })
    it('a READ that is repeated when its answer is over, or half told, is answered anew with what is true now', () => {
      const points = Array.from({ length: 60 }, (_, index) => analog(index))
      const bench = new Bench(points, { maxTransmit: 249 })
      const read = Buffer.concat([new Uint8Array([0xc3, 1]), rangeOctets(30, 0, 0, 0)])
      expect(valuesOf(bench.raw(read))).to.deep.equal([['g30v1', 0, 0]])
      bench.database.update('analog-input', 0, { value: 7 }, 0, 'suppress')
      expect(valuesOf(bench.raw(read))).to.deep.equal([['g30v1', 0, 7]])
      const all = Buffer.concat([new Uint8Array([0xc4, 1]), allOctets(30, 0)])
      expect(bench.raw(all)?.control).to.deep.include({ first: true, sequence: 4 })
      bench.database.update('analog-input', 0, { value: 8 }, 0, 'suppress')
      expect(valuesOf(bench.raw(all))[0]).to.deep.equal(['g30v1', 0, 7])
      expect(bench.confirm(false, 4)?.control).to.deep.include({ first: false, sequence: 5 })
      expect(bench.raw(all)?.control).to.deep.include({ first: true, sequence: 4 })
      expect(bench.confirm(false, 4)?.control).to.deep.include({ first: false, sequence: 5 })
    })
    it('events that an overflow takes out of a response under way are not counted as told twice', () => {
      const bench = new Bench([analog(0)], { maxTransmit: 249, events: { 'analog-input': 60 } })
      const happen = (times: number): void => {
        for (let value = 0; value < times; value++) bench.database.update('analog-input', 0, { value }, 0, 'force')
      }
      happen(60)
      let more = bench.ask(1, classOctets([1]))
      expect(more?.control.final).to.equal(false)
      happen(60)
      while (more !== undefined) more = bench.confirm(false, more.control.sequence)
      expect(bench.session.events.waiting(1)).to.equal(60)
      expect(bench.ask(23)!.iin! & 0x0200).to.equal(0x0200)
    })
    it('unsolicited responses wait for more events, but not for ever', () => {
      const bench = new Bench([analog(0), analog(1)], { unsolicited: { hold: 1000, holdEvents: 3 } })
      bench.take()
      bench.confirm(true, 0)
      bench.ask(20, classOctets([1]))
      bench.database.update('analog-input', 0, { value: 1 }, 0)
      expect(bench.take()).to.equal(undefined)
      expect(valuesOf(bench.advance(1000))).to.have.length(1)
      bench.confirm(true, 1)
      for (let value = 2; value <= 4; value++) bench.database.update('analog-input', 1, { value }, bench.now)
      expect(valuesOf(bench.take())).to.have.length(3)
    })
    it('a series that was given up begins again after a pause, or with the next event', () => {
      const bench = new Bench([analog(0)], { unsolicited: { retries: 1, again: 30_000 } })
      bench.take()
      bench.confirm(true, 0)
      bench.ask(20, classOctets([1]))
      bench.database.update('analog-input', 0, { value: 1 }, 0)
      const sent = bench.take()
      expect(bench.advance(5000)?.control.sequence).to.equal(sent?.control.sequence)
      expect(bench.advance(5000)).to.equal(undefined)
      expect(bench.advance(29_000)).to.equal(undefined)
      expect(bench.advance(1000)?.control.sequence).to.equal(sent!.control.sequence + 1)
    })
    it('an event that happens while an answer waits to be confirmed begins a series that was given up again, too', () => {
      const bench = new Bench([analog(0)], { unsolicited: { retries: 0 } })
      bench.take()
      bench.confirm(true, 0)
      bench.ask(20, classOctets([1]))
      bench.database.update('analog-input', 0, { value: 1 }, 0)
      bench.take()
      bench.advance(5000)
      expect(valuesOf(bench.ask(1, classOctets([1])))).to.have.length(1)
      bench.database.update('analog-input', 0, { value: 2 }, bench.now)
      expect(bench.confirm()?.function).to.equal(130)
    })
    it('a connection that ends takes nothing with it: what was not confirmed is told again', () => {
      const bench = new Bench([analog(0)])
      bench.database.update('analog-input', 0, { value: 1 }, 0)
      expect(valuesOf(bench.ask(1, classOctets([1])))).to.have.length(1)
      bench.session.closed(0)
      bench.session.opened(0)
      expect(valuesOf(bench.ask(1, classOctets([1])))).to.have.length(1)
    })
  })

  describe('freezing', () => {
    const points: PointOptions[] = [
      { kind: 'counter', index: 0, value: 9 },
      { kind: 'frozen-counter', index: 0, value: 0, class: 0 },
      analog(0, { value: 2.5 }),
      { kind: 'frozen-analog', index: 0, value: 0, class: 0, staticVariation: 7 },
    ]
    it('analogs are frozen, too', () => {
      const bench = new Bench(points)
      expect(bench.ask(7, allOctets(30, 0))!.iin! & 7).to.equal(0)
      expect(valuesOf(bench.ask(1, allOctets(31, 0)))).to.deep.equal([['g31v7', 0, 2.5]])
    })
    it('at a time, and again after every interval; by the clock that masters set', () => {
      const bench = new Bench(points)
      const when = headerOctets(50, 2, 0x07, [{ index: 0, time: UTC + 10_000, interval: 5000 }])
      expect(bench.ask(11, when, allOctets(20, 0))!.iin! & 7).to.equal(0)
      expect(bench.session.wake).to.equal(10_000)
      const frozen = (): unknown => bench.database.point('frozen-counter', 0)?.value
      bench.advance(9000)
      expect(frozen()).to.equal(0)
      bench.advance(1000)
      expect(frozen()).to.equal(9)
      bench.database.update('counter', 0, { value: 12 }, bench.now)
      bench.advance(4999)
      expect(frozen()).to.equal(9)
      bench.advance(1)
      expect(frozen()).to.equal(12)
      expect(bench.ask(11, allOctets(20, 0))!.iin! & 7).to.equal(4)
    })
    it('by a clock that was set to 1970, too: nothing wakes before the time has come', () => {
      const bench = new Bench(points)
      bench.now = 50_000
      bench.ask(2, headerOctets(50, 1, 0x07, [{ index: 0, time: 0 }]))
      bench.ask(11, headerOctets(50, 2, 0x07, [{ index: 0, time: 1000, interval: 0 }]), allOctets(20, 0))
      expect(bench.session.wake).to.equal(51_000)
    })
  })

  describe('configuration from afar', () => {
    it('deadbands are read and written (g34)', () => {
      const bench = new Bench([analog(0, { deadband: 2.5 }), analog(1, { deadband: 70_000 })])
      expect(valuesOf(bench.ask(1, allOctets(34, 0)))).to.deep.equal([
        ['g34v3', 0, 2.5],
        ['g34v2', 1, 70_000],
      ])
      bench.ask(2, headerOctets(34, 1, 0x00, [{ index: 0, value: 30 }]))
      expect(bench.database.point('analog-input', 0)?.deadband).to.equal(30)
    })
    it('attributes are read one by one, all, or as a list, and written where they may be', () => {
      const attributes = new AttributeStore([
        { variation: 247, value: { type: 'VSTR', value: 'old' } },
        { variation: 252, value: { type: 'VSTR', value: 'Gridseal' } },
        { set: 7, variation: 1, value: { type: 'UINT', value: 5 } },
      ])
      const bench = new Bench([analog(0)], {}, { attributes })
      expect(bench.ask(1, rangeOctets(0, 254, 0, 0))?.headers.map(({ variation }) => variation)).to.deep.equal([
        247, 252,
      ])
      expect(valuesOf(bench.ask(1, rangeOctets(0, 1, 7, 7)))).to.have.length(1)
      expect(bench.ask(1, rangeOctets(0, 200, 0, 0))!.iin! & 7).to.equal(2)
      const value = encodeAttribute({ type: 'VSTR', value: 'new' })
      expect(bench.ask(2, headerOctets(0, 247, 0x00, [{ index: 0, value }]))!.iin! & 7).to.equal(0)
      expect(attributes.get(0, 247)).to.deep.equal({ type: 'VSTR', value: 'new' })
    })
    it('data sets: prototypes, descriptors and values', () => {
      const descriptor = [{ code: 1, type: 0, maxLength: 0, ancillary: new Uint8Array([7]) }]
      const dataSets = new DataSetStore(
        [descriptor],
        [{ descriptor, characteristics: 3, values: [new Uint8Array([1])], time: UTC }],
      )
      const bench = new Bench([analog(0)], {}, { dataSets })
      expect(valuesOf(bench.ask(1, rangeOctets(85, 1, 0, 0)))).to.deep.equal([
        ['g85v1', 0, encodeDescriptor(descriptor)],
      ])
      expect(bench.ask(1, allOctets(86, 0))?.headers[0]?.group).to.equal(86)
      const [[, , octets]] = valuesOf(bench.ask(1, allOctets(87, 1))) as [unknown[]]
      expect(decodeDataSet(octets as Uint8Array)).to.deep.include({ id: 7, time: UTC })
      const written = encodeDataSet({ id: 7, time: undefined, values: [new Uint8Array([9])] })
      expect(bench.ask(2, sizedOctets(87, 1, written))!.iin! & 7).to.equal(0)
      expect(dataSets.byId(7)?.values).to.deep.equal([new Uint8Array([9])])
      expect(
        bench.ask(2, sizedOctets(87, 1, encodeDataSet({ id: 8, time: undefined, values: [] })))!.iin! & 7,
      ).to.equal(4)
    })
    it('applications, configuration and terminals are the equipment’s; without it they are not supported', () => {
      const calls: string[] = []
      const handler: OutstationHandler = {
        application: (operation, name) => calls.push(`${operation} ${name ?? 'all'}`) > 0,
        terminal: (port, octets) => calls.push(`${port} ${toHex(octets)}`) > 0,
        saveConfiguration: () => void calls.push('save'),
        activate: (names) => ({ delay: 500, results: names.map(() => ({ status: 0, text: 'ok' })) }),
      }
      const name = new TextEncoder().encode('metering')
      for (const [bench, bits] of [
        [new Bench([analog(0)], {}, { handler }), [0, 0, 0, 0, 0]],
        [new Bench([analog(0)]), [1, 1, 2, 1, 1]],
      ] as const) {
        const answers = [
          bench.ask(17, sizedOctets(90, 1, name)),
          bench.ask(18, allOctets(90, 1)),
          bench.ask(2, headerOctets(112, 2, 0x28, [{ index: 4, value: new Uint8Array([1, 2]) }])),
          bench.ask(19),
          bench.ask(31, sizedOctets(70, 8, name)),
        ]
        expect(answers.map((answer) => answer!.iin! & 7)).to.deep.equal(bits)
      }
      expect(calls).to.deep.equal(['start metering', 'stop all', '4 0102', 'save'])
    })
    it('patterns: a block, and masks that say for which outputs', () => {
      const outputs: number[] = []
      const handler: OutstationHandler = {
        command: (command, phase) => (phase === 'direct' && outputs.push(placeOf(command)), 0),
      }
      const points = [0, 1, 2, 3].map((index): PointOptions => ({ kind: 'binary-output', index, value: 0 }))
      const bench = new Bench(points, {}, { handler })
      const block = headerOctets(12, 2, 0x07, [{ index: 0, code: 3, count: 1, onTime: 1, offTime: 1, status: 0 }])
      const mask = headerOctets(
        12,
        3,
        0x00,
        [1, 0, 1].map((state, i) => ({ index: i + 1, state })),
      )
      expect(bench.ask(5, block, mask)!.iin! & 7).to.equal(0)
      expect(outputs).to.deep.equal([1, 3])
    })
  })

  describe('select before operate', () => {
    const points = [0, 1].map((index): PointOptions => ({ kind: 'binary-output', index, value: 0 }))
    const crob = headerOctets(12, 1, 0x28, [{ index: 0, code: 3, count: 1, onTime: 100, offTime: 100, status: 0 }])
    const bench = (operated: number[]): Bench =>
      new Bench(
        points,
        {},
        { handler: { command: (command, phase) => (phase !== 'select' && operated.push(placeOf(command)), 0) } },
      )

    it('an OPERATE with any octet other than those of SELECT is refused, and disarms', () => {
      for (let at = 0; at < crob.length; at++) {
        for (const mask of [0x01, 0x80]) {
          const operated: number[] = []
          const one = bench(operated)
          expect(valuesOf(one.ask(3, crob))).to.have.length(1)
          const changed = crob.slice()
          changed[at]! ^= mask
          const answer = one.ask(4, changed)
          const statuses = (answer?.headers ?? []).flatMap((header) =>
            decodeObjects(header).map(({ status }) => status),
          )
          expect(answer!.iin! & 7 || statuses[0], `octet ${at}`).to.not.equal(0)
          expect(valuesOf(one.ask(4, crob))).to.have.length(1)
          expect(operated, `octet ${at}`).to.be.empty
        }
      }
    })
    it('in time, in sequence, with the same octets: carried out once', () => {
      const operated: number[] = []
      const one = bench(operated)
      one.ask(3, crob)
      one.ask(4, crob)
      expect(operated).to.deep.equal([0])
      one.ask(4, crob)
      one.ask(3, crob)
      one.advance(10_001)
      const late = one.ask(4, crob)
      expect(decodeObjects(late!.headers[0]!)[0]?.status).to.equal(1)
      expect(operated).to.deep.equal([0])
    })

    const crobs = (...indexes: readonly number[]): Uint8Array =>
      headerOctets(
        12,
        1,
        0x28,
        indexes.map((index) => ({ index, code: 3, count: 1, onTime: 100, offTime: 100, status: 0 })),
      )
    const statuses = (answer: Fragment | undefined): (number | undefined)[] =>
      (answer?.headers ?? []).flatMap((header) => decodeObjects(header).map(({ status }) => status))

    it('one object that is refused disarms all', () => {
      const operated: number[] = []
      const one = bench(operated)
      expect(statuses(one.ask(3, crobs(0, 9)))).to.deep.equal([0, 4])
      expect(statuses(one.ask(4, crobs(0, 9)))).to.deep.equal([2, 2])
      expect(operated).to.be.empty
    })
    it('the octets of a request stay what they are: SELECT is compared with them, and a repeat is known by them', () => {
      const operated: number[] = []
      const one = bench(operated)
      // A Buffer, as sockets give it: its slice() is no copy.
      const request = Buffer.concat([new Uint8Array([0xc1, 5]), crobs(0, 9)])
      const before = toHex(request)
      expect(statuses(one.raw(request))).to.deep.equal([0, 4])
      expect(toHex(request)).to.equal(before)
      expect(statuses(one.raw(Buffer.from(before, 'hex')))).to.deep.equal([0, 4])
      expect([operated, one.session.counters.repeated]).to.deep.equal([[0], 1])
    })
    it('another sequence number than the next, and another connection, disarm', () => {
      const operated: number[] = []
      const one = bench(operated)
      one.ask(3, crob)
      one.ask(23)
      expect(statuses(one.ask(4, crob))).to.deep.equal([2])
      one.ask(3, crob)
      one.session.closed(0)
      one.session.opened(0)
      expect(statuses(one.ask(4, crob))).to.deep.equal([2])
      expect(operated).to.be.empty
    })
    it('more controls than allowed: the surplus gets status 8; an echo that does not fit: nothing is done', () => {
      const operated: number[] = []
      const handler: OutstationHandler = { command: (command) => (operated.push(placeOf(command)), 0) }
      const many = Array.from({ length: 30 }, (_, index): PointOptions => ({ kind: 'binary-output', index, value: 0 }))
      const one = new Bench(many, { maxControls: 1, maxTransmit: 249 }, { handler })
      expect(statuses(one.ask(5, crobs(0, 1)))).to.deep.equal([0, 8])
      expect(operated).to.deep.equal([0])
      const refused = one.ask(5, crobs(...many.map(({ index }) => index)))
      expect([refused!.iin! & 7, refused!.headers.length, operated]).to.deep.equal([4, 0, [0]])
    })
  })

  describe('broadcasts', () => {
    const points: PointOptions[] = [{ kind: 'binary-output', index: 0, value: 0 }]
    const crob = headerOctets(12, 1, 0x28, [{ index: 0, code: 3, count: 1, onTime: 1, offTime: 1, status: 0 }])
    const broadcast = (bench: Bench, address: number, code: number, objects: Uint8Array): void => {
      const fragment = Buffer.concat([new Uint8Array([0xc0, code]), objects])
      bench.session.fragmentReceived(fragment, { source: 1, broadcast: address }, bench.now)
      expect(bench.take()).to.equal(undefined)
    }
    it('carry out what may be broadcast, and nothing else; never answered', () => {
      let operated = 0
      const handler: OutstationHandler = { command: () => (operated++, 0), restart: () => 5000 }
      const bench = new Bench(points, {}, { handler })
      for (const code of [3, 4, 5, 13, 14]) broadcast(bench, 0xffff, code, code > 5 ? new Uint8Array(0) : crob)
      expect([operated, bench.session.selection]).to.deep.equal([0, undefined])
      broadcast(bench, 0xffff, 6, crob)
      expect(operated).to.equal(1)
      expect(bench.ask(23)).to.not.equal(undefined)
    })
    for (const address of [0xffff, 0xfffd]) {
      it(`to ${address.toString(16)} are told of in the next response, once`, () => {
        const bench = new Bench(points)
        broadcast(bench, address, 6, crob)
        const told = bench.ask(23)
        expect([told!.iin! & 0x0100, told!.control.confirm]).to.deep.equal([0x0100, false])
        expect(bench.ask(23)!.iin! & 0x0100).to.equal(0)
      })
    }
    it('to fffe are told of until a response that asks for it is confirmed', () => {
      const bench = new Bench(points)
      broadcast(bench, 0xfffe, 6, crob)
      for (let i = 0; i < 2; i++) {
        const told = bench.ask(23)
        expect([told!.iin! & 0x0100, told!.control.confirm]).to.deep.equal([0x0100, true])
      }
      bench.confirm()
      const after = bench.ask(23)
      expect([after!.iin! & 0x0100, after!.control.confirm]).to.deep.equal([0, false])
    })
  })

  it('requests in parts, with CON or with UNS are ignored', () => {
    const bench = new Bench([analog(0)])
    for (const control of [0x80, 0x40, 0x00, 0xe0, 0xd0])
      expect(bench.raw(new Uint8Array([control, 23]))).to.equal(undefined)
    expect(bench.raw(new Uint8Array([0xc0, 23]))).to.not.equal(undefined)
    expect(bench.session.counters.ignored).to.equal(5)
  })

  it('LAN time: counts from RECORD_CURRENT_TIME, which is good for one WRITE, the next; NEED_TIME comes back', () => {
    const bench = new Bench([analog(0)], { timeInterval: 60_000 })
    const time = headerOctets(50, 3, 0x07, [{ index: 0, time: UTC + 5000 }])
    expect(bench.ask(24)!.iin! & 0x1007).to.equal(0x1000)
    bench.advance(700)
    expect(bench.ask(2, time)!.iin! & 0x1007).to.equal(0)
    expect(bench.database.clock.utc(bench.now)).to.equal(UTC + 5700)
    expect(bench.ask(2, time)!.iin! & 7).to.equal(4)
    bench.ask(24)
    bench.ask(23)
    expect(bench.ask(2, time)!.iin! & 7).to.equal(4)
    bench.advance(59_999)
    expect(bench.ask(23)!.iin! & 0x1000).to.equal(0)
    bench.advance(1)
    expect(bench.ask(23)!.iin! & 0x1000).to.equal(0x1000)
  })

  it('after a restart nothing is heard until it is up; then DEVICE_RESTART and the empty unsolicited response', () => {
    const bench = new Bench([analog(0)], { unsolicited: {} }, { handler: { restart: () => 2000 } })
    bench.take()
    bench.confirm(true, 0)
    bench.ask(2, headerOctets(80, 1, 0x00, [{ index: 7, state: 0 }]))
    bench.database.update('analog-input', 0, { value: 1 }, 0)
    expect(valuesOf(bench.ask(13))).to.deep.equal([['g52v2', 0, 2000]])
    expect(bench.advance(1999)).to.equal(undefined)
    const up = bench.advance(1)
    expect([up?.function, up!.iin! & 0x8000]).to.deep.equal([130, 0x8000])
    expect(bench.session.events.length).to.equal(0)
  })
})
