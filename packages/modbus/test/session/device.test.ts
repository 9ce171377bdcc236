import { expect } from 'chai'
import { FUNCTIONS, ModbusDevice, meterUnit } from '@gridseal/modbus'
import type { DeviceOptions, Line, UnitOptions } from '@gridseal/modbus'
import { fromHex, toHex } from '@gridseal/wire'
import { mutations } from '../../../../test/support/mutate.ts'
import { hex } from '../support/chunking.ts'
import { usageError } from '../support/errors.ts'
import { VECTORS } from '../support/vectors.ts'

const unit: UnitOptions = {
  coils: [{ start: 0, cells: 200 }],
  discreteInputs: [{ start: 0, cells: [1, 0, 1, 1, 0, 0, 0, 0, 1] }],
  inputRegisters: [{ start: 8, cells: [10] }],
  holdingRegisters: [
    { start: 0, cells: [0, 1, 2, 3, 0x12, 5, 6, 7, 8, 9] },
    { start: 100, cells: 125 },
    { start: 65535, cells: [0xbeef] },
  ],
  serverId: { id: 0x12, text: 'GS' },
  identification: { 0: 'Gridseal', 1: 'GS-1', 2: '1.0' },
}

const deviceOf = (options: Partial<DeviceOptions> = {}): ModbusDevice =>
  new ModbusDevice({ units: { 1: unit }, ...options })

const one = (options: UnitOptions): ModbusDevice => new ModbusDevice({ units: { 1: options } })

/** The answer as hex, '' for silence. */
const ask = (device: ModbusDevice, pdu: string, unitId = 1, line: Line = 'tcp'): string =>
  toHex(device.answer(unitId, fromHex(pdu), line, 0n) ?? new Uint8Array(0))

describe('Modbus device', () => {
  const answers: readonly (readonly [string, string, string])[] = [
    ['reads discrete inputs, the first in the lowest bit', '02 0000 0009', '02 02 0D 01'],
    ['cuts bits to the quantity asked for', '02 0000 0003', '02 01 05'],
    ['reads input registers', '04 0008 0001', '04 02 000A'],
    ['reads holding registers', '03 0004 0002', '03 04 0012 0005'],
    ['reads the last register there can be', '03 FFFF 0001', '03 02 BEEF'],
    ['reads 125 registers at a time', '03 0064 007D', `03 FA ${'00'.repeat(250)}`],
    ['echoes query data', '08 0000 A537', '08 0000 A537'],
    ['reports its id and that it runs', '11', '11 04 12 FF 4753'],
    ['identifies itself', '2B 0E 01 00', '2B 0E 01 81 00 00 03 00 08 477269647365616C 01 04 47532D31 02 03 312E30'],
    ['tells one object', '2B 0E 04 01', '2B 0E 04 81 00 00 01 01 04 47532D31'],
  ]
  for (const [title, request, response] of answers) {
    it(title, () => expect(ask(deviceOf(), request)).to.equal(hex(response)))
  }

  it('writes what it is told to, and echoes it', () => {
    const device = deviceOf()
    const { coils, holdingRegisters } = device.registers(1)!
    expect(ask(device, '05 00AC FF00')).to.equal(hex('05 00AC FF00'))
    expect(coils.get(172)).to.equal(1)
    expect(ask(device, '06 0001 0003')).to.equal(hex('06 0001 0003'))
    expect(holdingRegisters.get(1)).to.equal(3)
    expect(ask(device, '0F 0013 000A 02 CD01')).to.equal(hex('0F 0013 000A'))
    expect(ask(device, '01 0013 000A')).to.equal(hex('01 02 CD01'))
    expect(ask(device, '10 0001 0002 04 000A 0102')).to.equal(hex('10 0001 0002'))
    expect(ask(device, '03 0001 0002')).to.equal(hex('03 04 000A 0102'))
  })

  it('masks a register: (0012 AND 00F2) OR (0025 AND NOT 00F2) = 0017 (6.16)', () => {
    const device = deviceOf()
    expect(ask(device, '16 0004 00F2 0025')).to.equal(hex('16 0004 00F2 0025'))
    expect(device.registers(1)!.holdingRegisters.get(4)).to.equal(0x17)
  })

  it('writes before it reads (6.17)', () => {
    expect(ask(deviceOf(), '17 0001 0002 0002 0001 02 ABCD')).to.equal(hex('17 04 0001 ABCD'))
  })

  it('writes nothing when what is to be read is not there', () => {
    const device = deviceOf()
    expect(ask(device, '17 0100 0001 0002 0001 02 ABCD')).to.equal('9702')
    expect(device.registers(1)!.holdingRegisters.get(2)).to.equal(2)
  })

  it('carries out the sub-functions of 8 that 6.8.1 lists, and no other', () => {
    const listed = [0x00, 0x01, 0x02, 0x03, 0x04, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x14]
    for (let subFunction = 0; subFunction < 0x200; subFunction++) {
      const code = subFunction.toString(16).padStart(4, '0')
      const answer = ask(deviceOf(), `08 ${code} ${subFunction === 3 ? '2300' : '0000'}`, 1, 'ascii')
      // Who begins to listen only does not answer.
      const silent = subFunction === 4
      expect(answer === '' || !answer.startsWith('88'), code).to.equal(listed.includes(subFunction))
      expect(answer === '', code).to.equal(silent)
      if (!listed.includes(subFunction)) expect(answer, code).to.equal('8801')
    }
    // On RTU there is no delimiter.
    expect(ask(deviceOf(), '08 0003 2300', 1, 'serial')).to.equal('8801')
  })

  const refusals: readonly (readonly [string, string, string])[] = [
    ['01 before 03: a function it does not have, whatever follows', '14 00', '94 01'],
    ['01: a user-defined function', '41 00', 'C1 01'],
    ['01: a function code with the exception bit', '83 02', '83 01'],
    ['01: sub-functions of 8 that would silence the device for all clients', '08 0004 0000', '88 01'],
    ['01: another delimiter, where there is none', '08 0003 2300', '88 01'],
    ['01: sub-functions of 8 that are reserved', '08 0013 0000', '88 01'],
    ['03: data that a sub-function of 8 does not have', '08 000B 0001', '88 03'],
    ['01: other interfaces of 43', '2B 0D 00', 'AB 01'],
    ['03: 126 registers', '03 0000 007E', '83 03'],
    ['03: no registers', '03 0000 0000', '83 03'],
    ['03: 2001 coils', '01 0000 07D1', '81 03'],
    ['03 before 02: a bad quantity at an address that is not there', '03 F000 0000', '83 03'],
    ['03: a coil neither on nor off', '05 0000 1234', '85 03'],
    ['03: a byte count that does not fit', '10 0000 0001 04 0000 0000', '90 03'],
    ['03: bytes left over', '06 0000 0001 00', '86 03'],
    ['03: a request cut short', '06 0000', '86 03'],
    ['03: an identification code that does not exist', '2B 0E 05 00', 'AB 03'],
    ['02: an address that is not there', '03 000A 0001', '83 02'],
    ['02: a range that leaves its block', '03 0009 0002', '83 02'],
    ['02: a range past the end of the table', '03 FFFF 0002', '83 02'],
    ['02: a coil that is not there', '05 00C8 FF00', '85 02'],
    ['02: an object that is not there', '2B 0E 04 05', 'AB 02'],
  ]
  for (const [title, request, response] of refusals) {
    it(`refuses with ${title}`, () => expect(ask(deviceOf(), request)).to.equal(hex(response)))
  }

  it('answers 04 when the hook that updates its registers fails', () => {
    const update = (): void => {
      throw new RangeError('sensor gone')
    }
    expect(ask(one({ ...unit, update }), '03 0000 0001')).to.equal('8304')
  })

  it('answers every public function that it does not have with 01, and no other', () => {
    const device = deviceOf()
    const supported = new Set([1, 2, 3, 4, 5, 6, 8, 11, 12, 15, 16, 17, 22, 23, 43])
    for (const { code } of FUNCTIONS) {
      const example = VECTORS.find(
        ({ request }) => fromHex(request.pdu)[0] === code && !request.pdu.startsWith('2B 0D'),
      )!
      const refused = ask(device, example.request.pdu) === hex(`${(code | 0x80).toString(16)} 01`)
      expect(refused, `function ${code}`).to.equal(!supported.has(code))
    }
  })

  it('answers any bytes with a response or an exception of the same function', () => {
    const device = deviceOf()
    for (const { request } of VECTORS) {
      for (const mutant of mutations(fromHex(request.pdu))) {
        if (mutant.length === 0) continue
        const answer = device.answer(1, mutant, 'tcp', 0n)!
        expect(answer[0]! | 0x80).to.equal(mutant[0]! | 0x80)
        expect(answer.length).to.be.within(1, 253)
      }
    }
  })
})

describe('Modbus device, the functions of few', () => {
  const files = { 4: [0, 0x0dfe, 0x0020], 3: 12 }
  const queue = [0x01b8, 0x1284]
  const device = one({ ...unit, exceptionStatus: 0x6d, files, fifos: { 0x04de: () => queue } })

  it('tells its exception status (7)', () => {
    expect(ask(device, '07')).to.equal('076d')
    const coil = one({ ...unit, exceptionStatus: ({ coils }) => coils.get(3) })
    ask(coil, '05 0003 FF00')
    expect(ask(coil, '07')).to.equal('0701')
  })

  it('reads and writes file records (20, 21): several groups at once, all or nothing', () => {
    expect(ask(device, '14 0E 06 0004 0001 0002 06 0003 0009 0002')).to.equal(
      hex('14 0C 05 06 0DFE 0020 05 06 0000 0000'),
    )
    const write = '15 0D 06 0003 0007 0003 06AF 04BE 100D'
    expect(ask(device, write)).to.equal(hex(write))
    expect(ask(device, '14 07 06 0003 0008 0001')).to.equal(hex('14 04 03 06 04BE'))
    expect(ask(device, '15 12 06 0003 0000 0001 1111 06 0005 0000 0001 2222')).to.equal('9502')
    expect(ask(device, '14 07 06 0003 0000 0001')).to.equal(hex('14 04 03 06 0000'))
    expect(ask(device, '14 07 06 0003 000B 0002')).to.equal('9402')
    expect(ask(device, '14 07 05 0003 0000 0001')).to.equal('9403')
  })

  it('reads a queue without emptying it (24), and refuses one of more than 31', () => {
    for (let i = 0; i < 2; i++) expect(ask(device, '18 04DE')).to.equal(hex('18 0006 0002 01B8 1284'))
    expect(ask(device, '18 04DF')).to.equal('9802')
    const broken = one({ fifos: { 1: () => [70_000] } })
    expect(ask(broken, '18 0001'), 'what is no register value').to.equal('9804')
    const long = one({ fifos: { 1: () => new Array<number>(32).fill(0) } })
    expect(ask(long, '18 0001')).to.equal('9803')
  })

  it('refuses files that cannot be', () => {
    expect(usageError(() => one({ files: { 0: 1 } })).code).to.equal('modbus.unit.file')
    expect(usageError(() => one({ files: { 1: 10_001 } })).code).to.equal('modbus.unit.file')
  })
})

describe('Modbus device, its own books (8, 11, 12)', () => {
  const count = (device: ModbusDevice, subFunction: string): number =>
    parseInt(ask(device, `08 00${subFunction} 0000`, 1, 'serial').slice(6), 16)

  it('counts messages, errors, exceptions and what it did not answer', () => {
    const device = new ModbusDevice({ units: { 1: unit, 2: unit } })
    ask(device, '03 0000 0001', 1, 'serial')
    ask(device, '03 0000 0001', 2, 'serial')
    ask(device, '03 0000 0001', 9, 'serial')
    ask(device, '06 0000 0001', 0, 'serial')
    ask(device, '03 0500 0001', 1, 'serial')
    device.noise(3)
    expect(count(device, '0B')).to.equal(6)
    expect(count(device, '0C')).to.equal(3)
    expect(count(device, '0D')).to.equal(1)
    expect(count(device, '0E')).to.equal(7) // 1 read, 1 broadcast, 1 refused, 4 of function 8
    expect(count(device, '0F')).to.equal(1)
    for (const never of ['10', '11', '12', '02']) expect(count(device, never)).to.equal(0)
    expect(ask(device, '08 000A 0000', 1, 'serial')).to.equal(hex('08 000A 0000'))
    expect([count(device, '0B'), count(device, '0D'), count(device, '0C')]).to.deep.equal([1, 0, 0])
  })

  it('counts what was carried out well (11) and keeps the last 64 events, the newest first (12)', () => {
    const device = deviceOf()
    const request = (pdu: string): string => ask(device, pdu, 1, 'serial')
    expect(request('0B')).to.equal(hex('0B 0000 0000'))
    request('03 0000 0001')
    request('03 0500 0001')
    expect(request('0B')).to.equal(hex('0B 0000 0001'))
    // Received, then sent: each request leaves 80 and 40, the refused one 80 and 41.
    expect(request('0C')).to.equal(hex('0C 0F 0000 0001 0005 80 40 80 41 80 40 80 40 80'))
    for (let i = 0; i < 100; i++) request('03 0000 0001')
    expect(request('0C').slice(2, 4)).to.equal('46')
  })

  it('says and does nothing while it only listens, until it is restarted (8/4, 8/1)', () => {
    const device = deviceOf()
    const request = (pdu: string): string => ask(device, pdu, 1, 'serial')
    expect(request('08 0004 0000')).to.equal('')
    expect(request('06 0001 0063')).to.equal('')
    expect(device.registers(1)!.holdingRegisters.get(1)).to.equal(1)
    expect(request('08 0001 FF00')).to.equal('')
    expect(request('03 0001 0001')).to.equal(hex('03 02 0001'))
    expect(request('0C')).to.equal(hex('0C 0A 0000 0001 0002 80 40 80 00'))
    expect(request('08 0001 1234')).to.equal('8803')
  })
})

describe('Modbus device, units', () => {
  it('answers 0B for a unit that is not there, or nothing if so configured', () => {
    expect(ask(deviceOf(), '03 0000 0001', 7)).to.equal('830b')
    expect(ask(deviceOf({ unknownUnit: 'silence' }), '03 0000 0001', 7)).to.equal('')
  })

  it('stays silent for another unit on a serial line', () => {
    expect(ask(deviceOf(), '03 0000 0001', 7, 'serial')).to.equal('')
  })

  it('carries out a broadcast on a serial line without an answer, on all units', () => {
    const device = new ModbusDevice({
      units: { 1: unit, 2: unit },
    })
    expect(ask(device, '06 0001 1234', 0, 'serial')).to.equal('')
    expect([1, 2].map((id) => device.registers(id)!.holdingRegisters.get(1))).to.deep.equal([0x1234, 0x1234])
  })

  it('answers as unit 0 and 255 on TCP only where configured', () => {
    expect(ask(deviceOf(), '03 0000 0001', 255)).to.equal('830b')
    for (const id of [0, 255]) expect(ask(deviceOf({ directUnit: 1 }), '03 0001 0001', id)).to.equal(hex('03 02 0001'))
  })

  it('keeps its units apart', () => {
    const device = new ModbusDevice({
      units: { 1: unit, 2: unit },
    })
    ask(device, '06 0001 1234', 2)
    expect(ask(device, '03 0001 0001', 1)).to.equal(hex('03 02 0001'))
    expect(device.registers(3)).to.equal(undefined)
  })

  const wrong: readonly (readonly [string, string, () => unknown])[] = [
    ['a unit 256', 'modbus.device.unit', () => new ModbusDevice({ units: { 256: unit } })],
    ['a direct unit that is not there', 'modbus.device.unit', () => deviceOf({ directUnit: 2 })],
    [
      'blocks on top of each other',
      'modbus.table.block',
      () =>
        one({
          coils: [
            { start: 0, cells: 9 },
            { start: 8, cells: 1 },
          ],
        }),
    ],
    ['a block past 65535', 'modbus.table.block', () => one({ coils: [{ start: 65535, cells: 2 }] })],
    [
      'a register value of 17 bits',
      'modbus.table.value',
      () => one({ inputRegisters: [{ start: 0, cells: [65536] }] }),
    ],
    ['a server id of two bytes', 'modbus.unit.server-id', () => one({ serverId: { id: 256, text: '' } })],
    [
      'an identification without a revision',
      'modbus.unit.identification',
      () => one({ identification: { 0: 'a', 1: 'b' } }),
    ],
  ]
  for (const [title, code, call] of wrong) {
    it(`refuses ${title}`, () => expect(usageError(call).code).to.equal(code))
  }
})

describe('Modbus device identification (6.21)', () => {
  const texts = { 0: 'a'.repeat(100), 1: 'b'.repeat(100), 2: 'c'.repeat(100), 3: 'd', 128: 'private' }
  const device = one({ identification: texts })
  const read = (code: number, id: number) => fromHex(ask(device, `2B 0E 0${code} ${id.toString(16).padStart(2, '0')}`))
  const header = (answer: Uint8Array) => ({
    conformity: answer[3],
    more: answer[4],
    next: answer[5],
    objects: answer[6],
  })

  it('goes on in a further answer where one is too small', () => {
    expect(header(read(3, 0))).to.deep.equal({ conformity: 0x83, more: 0xff, next: 2, objects: 2 })
    expect(header(read(3, 2))).to.deep.equal({ conformity: 0x83, more: 0, next: 0, objects: 3 })
  })

  it('keeps to the objects of the code asked for', () => {
    expect(header(read(1, 2))).to.include({ more: 0, objects: 1 })
    expect(header(read(2, 2))).to.include({ more: 0, objects: 2 })
  })

  it('starts at the first object when the one asked for is unknown', () => {
    expect(toHex(read(3, 9))).to.equal(toHex(read(3, 0)))
  })
})

describe('Modbus meter model', () => {
  const at = (iso: string): bigint => BigInt(Date.parse(iso)) * 1_000_000n
  const device = one(meterUnit('0042'))
  const holding = (address: number, now: bigint): number => {
    const answer = device.answer(1, fromHex(`03 ${address.toString(16).padStart(4, '0')} 0001`), 'tcp', now)!
    return (answer[2]! << 8) | answer[3]!
  }

  it('shows values that change with time, and the same at the same time', () => {
    const [noon, later] = [at('2026-07-01T12:00:00Z'), at('2026-07-01T12:01:00Z')]
    expect(holding(0, noon)).to.be.within(2280, 2320)
    expect(holding(9, noon)).to.be.within(4990, 5010)
    expect(holding(6, noon)).to.not.equal(holding(6, later))
    expect(holding(6, noon)).to.equal(holding(6, noon))
  })

  it('keeps what is written to its settings', () => {
    expect(toHex(device.answer(1, fromHex('06 0064 000F'), 'tcp', 0n)!)).to.equal(hex('06 0064 000F'))
    expect(holding(100, at('2026-07-01T12:00:00Z'))).to.equal(15)
  })

  it('says which meter it is', () => {
    const answer = device.answer(1, fromHex('2B 0E 04 05'), 'tcp', 0n)!
    expect(Buffer.from(answer.subarray(9)).toString()).to.equal('0042')
  })
})
