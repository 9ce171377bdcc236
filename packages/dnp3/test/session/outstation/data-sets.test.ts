import { expect } from 'chai'
import { UsageError, fromHex, toHex } from '@gridseal/wire'
import { decodeFragment } from '#src/codec/application.ts'
import { decodeDataSet, encodeDataSet } from '#src/codec/data-sets.ts'
import type { DescriptorElement } from '#src/codec/data-sets.ts'
import { allOctets, headerOctets, rangeOctets, sizedOctets } from '#src/codec/header-octets.ts'
import { decodeObjects } from '#src/codec/objects.ts'
import { classOctets, commandOctets, operateCommands } from '#src/session/master/procedures.ts'
import type { OutstationCommand } from '#src/session/outstation/command.ts'
import { DATA_SET, DataSetStore } from '#src/session/outstation/data-set-store.ts'
import { ScheduleStore } from '#src/session/outstation/schedule-store.ts'
import { Bench, UTC, valuesOf } from '../../support/outstation-bench.ts'

const element = (code: number, type: number, maxLength: number, ancillary: string): DescriptorElement => ({
  code,
  type,
  maxLength,
  ancillary: fromHex(ancillary),
})

const UUID = '000102030405060708090a0b0c0d0e0f'
/** A prototype of one value, one control value and its status. */
const PROTOTYPE = [
  element(2, 5, 16, UUID),
  element(5, 2, 4, '6d6178'),
  element(7, 2, 1, '6f6e'),
  element(8, 2, 1, '7374'),
]
/** Data set 7: a value of its own, then the prototype's. */
const DESCRIPTOR = [element(1, 2, 1, '07'), element(5, 2, 2, '6d696e'), element(6, 0, 0, `${UUID}7031`)]
const VALUES = [fromHex('0100'), fromHex('02000000'), fromHex('01'), fromHex('00')]

const SELECT = 3
const OPERATE = 4

function benchOf(characteristics: number, parts: ConstructorParameters<typeof Bench>[2] = {}): Bench {
  const dataSets = new DataSetStore(
    [PROTOTYPE],
    [{ descriptor: DESCRIPTOR, characteristics, values: VALUES, time: UTC }],
  )
  return new Bench([], {}, { dataSets, ...parts })
}

describe('DNP3 data sets of an outstation', () => {
  describe('events (g88)', () => {
    it('a change is a snapshot behind its size, in the class of its data set, gone when it is confirmed', () => {
      const bench = benchOf(DATA_SET.READABLE | DATA_SET.EVENTS)
      const { dataSets } = bench.session
      dataSets.update(7, [fromHex('0500'), ...VALUES.slice(1)], bench.database, 0, UTC + 5)
      dataSets.update(7, [fromHex('0600'), ...VALUES.slice(1)], bench.database, 0, UTC + 6)
      const answer = bench.ask(1, classOctets([1]))
      const [header] = answer!.headers
      expect([header?.group, header?.variation, header?.qualifier]).to.deep.equal([88, 1, 0x5b])
      const sets = decodeObjects(header!).map(({ value }) => decodeDataSet(value as Uint8Array))
      expect(sets.map(({ id, time, values }) => [id, time, toHex(values[0]!)])).to.deep.equal([
        [7, UTC + 5, '0500'],
        [7, UTC + 6, '0600'],
      ])
      expect(answer!.control.confirm).to.equal(true)
      bench.confirm()
      expect(valuesOf(bench.ask(1, allOctets(88, 0)))).to.deep.equal([])
    })
    it('ASSIGN_CLASS names data sets by their descriptors (g86v0)', () => {
      const bench = benchOf(DATA_SET.READABLE | DATA_SET.EVENTS)
      expect(bench.ask(22, allOctets(60, 3), rangeOctets(86, 0, 0, 0))!.iin! & 7).to.equal(0)
      bench.session.dataSets.update(7, VALUES, bench.database, 0)
      expect(bench.ask(1, classOctets([1]))?.headers).to.have.length(0)
      expect(bench.ask(1, classOctets([2]))?.headers.map(({ group }) => group)).to.deep.equal([88])
      expect(bench.ask(22, allOctets(60, 3), rangeOctets(86, 0, 4, 4))!.iin! & 7).to.equal(4)
    })
    it('a data set without the characteristic gives none', () => {
      const bench = benchOf(DATA_SET.READABLE)
      bench.session.dataSets.update(7, VALUES, bench.database, 0)
      expect(bench.ask(1, allOctets(88, 1))?.headers).to.have.length(0)
      expect(() => bench.session.dataSets.update(8, [], bench.database, 0)).to.throw(UsageError)
    })
    it('a snapshot that fits no fragment does not keep others from being reported', () => {
      const dataSets = new DataSetStore(
        [],
        [{ descriptor: DESCRIPTOR, characteristics: DATA_SET.EVENTS, values: [], time: undefined }],
      )
      const bench = new Bench([{ kind: 'binary-input', index: 3, value: 0 }], { maxTransmit: 249 }, { dataSets })
      dataSets.update(7, [new Uint8Array(250)], bench.database, 0)
      bench.database.update('binary-input', 3, { value: 1 }, 0)
      expect(bench.ask(1, classOctets([1]))?.headers).to.have.length(0)
      expect(valuesOf(bench.confirm())).to.deep.equal([['g2v2', 3, 1]])
      bench.confirm(false, 1)
      expect(bench.session.events.length).to.equal(0)
    })
  })

  describe('commands (g87)', () => {
    const command: OutstationCommand = { kind: 'data-set', id: 7, time: UTC, values: VALUES, statuses: [3] }
    const commands: OutstationCommand[] = []
    const handler = {
      command: (one: OutstationCommand): number => {
        commands.push(one)
        return one.kind === 'data-set' && one.values[2]![0] === 1 ? 0 : 6
      },
    }
    beforeEach(() => void commands.splice(0))

    it('SELECT and OPERATE echo the data set, its control status in the element that has it', () => {
      const bench = benchOf(DATA_SET.WRITABLE, { handler })
      const objects = commandOctets([command])
      for (const code of [SELECT, OPERATE]) {
        const answer = bench.ask(code, objects)
        expect(answer!.iin! & 7).to.equal(0)
        const [object] = decodeObjects(answer!.headers[0]!)
        expect(decodeDataSet(object!.value as Uint8Array).values.map((value) => toHex(value))).to.deep.equal(
          VALUES.map((value) => toHex(value)),
        )
      }
      expect(commands).to.deep.equal([command, command])
    })
    it('OPERATE with another octet than SELECT is refused (status 2), and so is what the equipment refuses', () => {
      const bench = benchOf(DATA_SET.WRITABLE, { handler })
      const off = { ...command, values: [...VALUES.slice(0, 2), fromHex('00'), fromHex('00')] }
      const statusOf = (code: number, one: OutstationCommand): number => {
        const [object] = decodeObjects(bench.ask(code, commandOctets([one]))!.headers[0]!)
        return decodeDataSet(object!.value as Uint8Array).values[3]![0]!
      }
      expect([statusOf(SELECT, command), statusOf(OPERATE, off)]).to.deep.equal([0, 2])
      expect(statusOf(5, off)).to.equal(6)
    })
    it('a data set that is unknown, or whose status element is not there, is a wrong parameter', () => {
      const bench = benchOf(DATA_SET.WRITABLE, { handler })
      const unknown = encodeDataSet({ id: 9, time: undefined, values: [] })
      const short = encodeDataSet({ id: 7, time: undefined, values: VALUES.slice(0, 3) })
      for (const octets of [unknown, short, fromHex('09')]) {
        expect(bench.ask(5, sizedOctets(87, 1, octets))!.iin! & 7, toHex(octets)).to.equal(4)
      }
      expect(commands).to.deep.equal([])
    })
    it('a master tells the status of each, and takes no echo that differs', () => {
      const latch: OutstationCommand = { kind: 'binary', index: 1, code: 3, count: 1, onTime: 0, offTime: 0 }
      const run = (change: (octets: Uint8Array) => void): unknown => {
        const procedure = operateCommands([command, latch], 'direct')
        const sent = procedure.next()
        const objects = Uint8Array.from((sent.value as { objects: Uint8Array }).objects)
        change(objects)
        const answer = decodeFragment(Buffer.concat([new Uint8Array([0xc0, 129, 0, 0]), objects]))
        return procedure.next({ fragments: [answer], iin: 0, sentAt: 0, receivedAt: 0 }).value
      }
      const statusAt = 4 + 2 + encodeDataSet(command).length - 1
      expect(run((octets) => void (octets[statusAt] = 8))).to.deep.equal({ statuses: [8, 0], success: false })
      expect(() => run((octets) => void (octets[statusAt - 2] = 0))).to.throw('not an echo')
    })
  })

  describe('schedules (g50v4)', () => {
    const days = { time: UTC, interval: 2, units: 5 }
    it('are read and written by index; the equipment is told', () => {
      const written: unknown[] = []
      const schedules = new ScheduleStore([days, { time: 0, interval: 0, units: 0 }])
      const handler = { scheduleWritten: (...schedule: unknown[]): void => void written.push(schedule) }
      const bench = new Bench([], {}, { schedules, handler })
      const read = (): unknown => bench.ask(1, allOctets(50, 4))!.headers.flatMap((header) => decodeObjects(header))
      expect(read()).to.deep.equal([
        { index: 0, ...days },
        { index: 1, time: 0, interval: 0, units: 0 },
      ])
      const hourly = { time: UTC + 1, interval: 1, units: 4 }
      expect(bench.ask(2, headerOctets(50, 4, 0x28, [{ index: 1, ...hourly }]))!.iin! & 7).to.equal(0)
      expect(written).to.deep.equal([[1, hourly]])
      expect(schedules.get(1)).to.deep.equal(hourly)
    })
    it('one that is not there, or units that do not exist, are a wrong parameter; fifty take several headers', () => {
      const bench = new Bench([], {}, { schedules: new ScheduleStore(Array.from({ length: 50 }, () => days)) })
      for (const object of [
        { index: 50, ...days },
        { index: 0, ...days, units: 11 },
      ]) {
        expect(bench.ask(2, headerOctets(50, 4, 0x28, [object]))!.iin! & 7).to.equal(4)
      }
      expect(bench.ask(1, rangeOctets(50, 4, 49, 50))!.iin! & 7).to.equal(4)
      const answer = bench.ask(1, rangeOctets(50, 4, 0, 49))!
      expect(answer.headers.map(({ range }) => range)).to.have.length(3)
      expect(answer.headers.flatMap((header) => decodeObjects(header))).to.have.length(50)
      expect(() => new ScheduleStore([{ ...days, interval: -1 }])).to.throw(UsageError)
    })
  })
})
