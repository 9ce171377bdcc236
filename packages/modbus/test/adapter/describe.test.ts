import { expect } from 'chai'
import fc from 'fast-check'
import type { Direction } from '@gridseal/adapter'
import { ADU_CODECS, FRAMINGS, modbusAdapter } from '@gridseal/modbus'
import { TextWriter, fromHex } from '@gridseal/wire'
import { mutations } from '../../../../test/support/mutate.ts'
import { fixtureFrames } from '../support/fixtures.ts'
import { VECTORS } from '../support/vectors.ts'

const told = (frame: string, direction: Direction, framing?: string) =>
  modbusAdapter.describe(fromHex(frame), direction, framing)

describe('Modbus descriptions', () => {
  it('tell a request in stable fields', () => {
    const description = told('0007 0000 0006 01 03 0000 000A', 'to-device')
    expect(description.protocol).to.equal('modbus')
    expect(description.malformed).to.equal(null)
    expect(description.summary).to.equal('request unit 1 #7 Read Holding Registers hr/40001..40010')
    expect(description.fields).to.deep.equal({
      transaction: 7,
      unit: 1,
      function: 3,
      functionName: 'Read Holding Registers',
      exception: null,
      direction: 'request',
      address: 0,
      quantity: 10,
      violation: null,
    })
  })

  it('can be written as JSON, summary and all', () => {
    const description = told('0007 0000 0006 01 03 0000 000A', 'to-device')
    expect(JSON.parse(JSON.stringify(description))).to.include({ malformed: null, summary: description.summary })
  })

  it('tell an exception by its function and its code', () => {
    const { fields, summary } = told('0007 0000 0003 01 83 02', 'to-master')
    expect(fields).to.include({ function: 3, exception: 2, exceptionName: 'Illegal Data Address', address: null })
    expect(summary).to.equal('response unit 1 #7 Read Holding Registers refused: 2 Illegal Data Address')
  })

  it('have no transaction on a serial line', () => {
    expect(told('11 03 006B 0003 7687', 'to-device', 'rtu').fields).to.include({
      transaction: null,
      unit: 17,
      address: 107,
    })
  })

  it('know the sub-function of function 8 and the interface of function 43', () => {
    const diagnostics = told('0001 0000 0006 0A 08 0004 0000', 'to-device')
    expect(diagnostics.fields).to.include({ subFunction: 4, subFunctionName: 'Force Listen Only Mode', data: '0000' })
    const identification = told('0001 0000 0005 00 2B 0E 01 00', 'to-device')
    expect(identification.fields).to.include({
      mei: 14,
      code: 1,
      objectId: 0,
      functionName: 'Read Device Identification',
    })
    const canopen = told('0001 0000 0005 00 2B 0D AB CD', 'to-device')
    expect(canopen.fields).to.include({ mei: 13, data: 'abcd' })
  })

  it('carry files, queues and objects as JSON', () => {
    const file = told('0001 0000 000A 01 14 07 06 0004 0001 0002', 'to-device')
    expect(file.fields['groups']).to.deep.equal([{ file: 4, record: 1, length: 2 }])
    const queue = told('0001 0000 000A 01 18 0006 0002 01B8 1284', 'to-master')
    expect(queue.fields).to.deep.include({ quantity: 2, values: [440, 4740] })
    const objects = told('0001 0000 000B 01 2B 0E 04 81 00 00 01 05 01 37', 'to-master')
    expect(objects.fields['objects']).to.deep.equal([{ id: 5, value: '7' }])
  })

  it('tell both ranges of function 23 and no single one', () => {
    const { fields } = told('0001 0000 000D 06 17 0001 0001 0002 0001 02 00FF', 'to-device')
    expect(fields).to.include({ address: null, quantity: null, readAddress: 1, writeAddress: 2, writeQuantity: 1 })
  })

  it('call malformed what ends too soon, and a violation what must not be', () => {
    const short = told('0000 0000 0006 01 16 0000 0000', 'to-device')
    expect(short.malformed).to.match(/^decode\.truncated: .*\(or at offset 5\)$/)
    expect(short.fields).to.include({ function: 22, address: 0 })
    expect(short.summary).to.match(/^request malformed: /)
    const zero = told('0000 0000 0006 01 01 0000 0000', 'to-device')
    expect(zero.malformed).to.equal(null)
    expect(zero.fields['violation']).to.match(/^modbus\.pdu\.quantity: /)
    expect(zero.summary).to.contain('against the standard')
  })

  it('give no name to a request with the exception bit', () => {
    expect(told('0001 0000 0003 01 83 02', 'to-device').fields).to.include({
      functionName: null,
      exception: null,
      data: '02',
    })
  })

  it('say so when the bytes are not even a frame', () => {
    const { malformed, fields } = told('0001 0000 0009 01 03', 'to-device')
    expect(malformed).to.match(/^modbus\.mbap\.length: /)
    expect(fields).to.include({ function: null, unit: null, direction: 'request' })
  })

  it('never throw, whatever the bytes', () => {
    const inspector = modbusAdapter.inspector()
    for (const { bytes, direction } of fixtureFrames()) {
      for (const mutant of mutations(bytes)) {
        const description = inspector.push(mutant, direction)
        expect(description.summary).to.not.equal('')
        expect(JSON.parse(JSON.stringify(description.fields))).to.deep.equal(description.fields)
      }
    }
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom<Direction>('to-device', 'to-master'),
        fc.constantFrom(...FRAMINGS),
        (bytes, direction, framing) => {
          modbusAdapter.describe(bytes, direction, framing)
          modbusAdapter.operation(bytes, direction, framing)
        },
      ),
      { numRuns: 1000 },
    )
  })
})

describe('Modbus inspector', () => {
  it('tells a response together with what was asked for', () => {
    const inspector = modbusAdapter.inspector()
    inspector.push(fromHex('0001 0000 0006 04 01 0012 0003'), 'to-device')
    inspector.push(fromHex('0002 0000 0006 04 03 0000 0002'), 'to-device')
    const registers = inspector.push(fromHex('0002 0000 0007 04 03 04 0001 0002'), 'to-master')
    expect(registers.fields).to.deep.include({ address: null, asked: { address: 0, quantity: 2 }, values: [1, 2] })
    expect(registers.summary).to.equal('response unit 4 #2 Read Holding Registers hr/40001..40002 = 1 2')
    const coils = inspector.push(fromHex('0001 0000 0004 04 01 01 05'), 'to-master')
    expect(coils.fields).to.deep.include({ data: '05', values: [true, false, true] })
    expect(coils.summary).to.equal('response unit 4 #1 Read Coils co/00019..00021 = 1 0 1')
  })

  it('without descriptions between: the same members and faults, whether frames are sound, cut short or spoilt', () => {
    const [pushed, written] = [modbusAdapter.inspector(), modbusAdapter.inspector()]
    for (const { bytes, direction } of fixtureFrames()) {
      for (const frame of [bytes, bytes.subarray(0, bytes.length - 1), bytes.subarray(0, 5), ...mutations(bytes)]) {
        const { members, malformed } = pushed.push(frame, direction)
        const [text, why] = [new TextWriter().text('{'), new TextWriter().text('[')]
        written.write?.(frame, direction, true, text, why)
        expect(text.toString()).to.equal(`{${members}`)
        expect(why.toString()).to.equal(malformed === null ? '[' : `[${JSON.stringify(malformed)}`)
      }
    }
  })

  it('is at rest while no request waits for its response', () => {
    const inspector = modbusAdapter.inspector()
    expect(inspector.atRest).to.equal(true)
    inspector.push(fromHex('0001 0000 0006 04 01 0012 0003'), 'to-device')
    expect(inspector.atRest).to.equal(false)
    inspector.push(fromHex('0001 0000 0004 04 01 01 05'), 'to-master')
    expect(inspector.atRest).to.equal(true)
  })

  it('does not take an answer for that of another unit or function', () => {
    const inspector = modbusAdapter.inspector()
    inspector.push(fromHex('0001 0000 0006 04 01 0012 0003'), 'to-device')
    expect(inspector.push(fromHex('0001 0000 0004 05 01 01 05'), 'to-master').fields).to.not.have.property('asked')
    expect(inspector.push(fromHex('0001 0000 0004 04 02 01 05'), 'to-master').fields).to.not.have.property('asked')
    expect(inspector.push(fromHex('0001 0000 0004 04 01 01 05'), 'to-master').fields).to.have.property('asked')
  })

  it('pairs by order on a serial line', () => {
    const inspector = modbusAdapter.inspector('rtu')
    const push = (pdu: string, direction: Direction) =>
      inspector.push(ADU_CODECS.rtu.encode({ transaction: null, unit: 17, pdu: fromHex(pdu) }), direction)
    push('03 006B 0003', 'to-device')
    expect(push('03 06 022B 0000 0064', 'to-master').fields['asked']).to.deep.equal({ address: 107, quantity: 3 })
    expect(push('03 06 022B 0000 0064', 'to-master').fields).to.not.have.property('asked')
  })

  it('is told the same by every example, framed in each framing', () => {
    for (const { request, response } of VECTORS) {
      for (const framing of FRAMINGS) {
        for (const [pdu, direction] of [
          [request.pdu, 'to-device'],
          [response.pdu, 'to-master'],
        ] as const) {
          const frame = ADU_CODECS[framing].encode({ transaction: 9, unit: 3, pdu: fromHex(pdu) })
          const { malformed, fields } = modbusAdapter.describe(frame, direction, framing)
          expect([malformed, fields['violation'], fields['unit']]).to.deep.equal([null, null, 3])
          expect(fields['function']).to.equal(fromHex(pdu)[0]! & 0x7f)
        }
      }
    }
  })
})
