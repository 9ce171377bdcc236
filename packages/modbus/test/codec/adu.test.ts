import { expect } from 'chai'
import { ADU_CODECS } from '@gridseal/modbus'
import type { Framing } from '@gridseal/modbus'
import { fromHex, toHex } from '@gridseal/wire'
import { lrc } from '#src/codec/adu.ts'
import { decodeError, usageError } from '../support/errors.ts'

const text = (line: string): Uint8Array => new TextEncoder().encode(line)

describe('Modbus ADUs', () => {
  it('MBAP: transaction, protocol 0, length, unit (Messaging on TCP/IP 3.1.3)', () => {
    const frame = fromHex('1501 0000 0006 FF 03 0004 0001')
    const adu = { transaction: 0x1501, unit: 255, pdu: fromHex('03 0004 0001') }
    expect(ADU_CODECS.tcp.decode(frame)).to.deep.equal(adu)
    expect(toHex(ADU_CODECS.tcp.encode(adu))).to.equal(toHex(frame))
  })

  const rtu: readonly (readonly [string, string])[] = [
    ['02', '07'],
    ['11', '03 006B 0003'],
    ['11', '83 02'],
    ['01', '16 0004 00F2 0025'],
    ['01', '10 0001 0002 04 000A 0102'],
  ]
  const rtuFrames = [
    '02 07 41 12',
    '11 03 006B 0003 7687',
    '11 83 02 C134',
    '01 16 0004 00F2 0025 67EE',
    '01 10 0001 0002 04 000A 0102 9230',
  ]
  rtu.forEach(([unit, pdu], index) => {
    it(`RTU: ${rtuFrames[index]}, CRC low byte first (Serial Line 2.5.1)`, () => {
      const frame = fromHex(rtuFrames[index]!)
      const adu = { transaction: null, unit: fromHex(unit)[0]!, pdu: fromHex(pdu) }
      expect(ADU_CODECS.rtu.decode(frame)).to.deep.equal(adu)
      expect(toHex(ADU_CODECS.rtu.encode(adu))).to.equal(toHex(frame))
    })
  })

  it('ASCII: hex text with an LRC (Serial Line 2.5.2)', () => {
    const adu = { transaction: null, unit: 0x11, pdu: fromHex('03 006B 0003') }
    expect(ADU_CODECS.ascii.decode(text(':1103006B00037E\r\n'))).to.deep.equal(adu)
    expect(Buffer.from(ADU_CODECS.ascii.encode(adu)).toString()).to.equal(':1103006B00037E\r\n')
    expect(ADU_CODECS.ascii.decode(text(':1183026A\r\n')).pdu).to.deep.equal(fromHex('83 02'))
    expect(lrc(fromHex('01 03 0000 000A'), 6)).to.equal(0xf2)
    expect(lrc(fromHex('F7 03 1389 000A'), 6)).to.equal(0x60)
  })

  it('ASCII: reads lower-case digits too', () => {
    expect(ADU_CODECS.ascii.decode(text(':1103006b00037e\r\n')).unit).to.equal(0x11)
  })

  const wrong: readonly (readonly [string, Framing, Uint8Array, string, number])[] = [
    ['MBAP shorter than a PDU', 'tcp', fromHex('0001 0000 0001 01'), 'decode.truncated', 7],
    ['protocol identifier 1', 'tcp', fromHex('0001 0001 0002 01 07'), 'modbus.mbap.protocol', 2],
    ['MBAP length too short', 'tcp', fromHex('0001 0000 0001 01 07'), 'modbus.mbap.length', 4],
    ['MBAP length past the end', 'tcp', fromHex('0001 0000 0003 01 07'), 'modbus.mbap.length', 4],
    [
      'MBAP length of 255',
      'tcp',
      new Uint8Array([0, 1, 0, 0, 0, 255, ...new Uint8Array(255)]),
      'modbus.mbap.length',
      4,
    ],
    ['RTU of 3 bytes', 'rtu', fromHex('01 07 00'), 'decode.truncated', 3],
    ['RTU of 257 bytes', 'rtu', new Uint8Array(257), 'modbus.adu.length', 0],
    ['RTU with a wrong CRC', 'rtu', fromHex('11 03 006B 0003 7688'), 'modbus.rtu.crc', 6],
    ['RTU with the CRC high byte first', 'rtu', fromHex('11 03 006B 0003 8776'), 'modbus.rtu.crc', 6],
    ['ASCII without a colon', 'ascii', text('11183026A\r\n'), 'modbus.ascii.start', 0],
    ['ASCII without CR', 'ascii', text(':1183026A6\n'), 'modbus.ascii.end', 9],
    ['ASCII with half a byte', 'ascii', text(':1183026\r\n'), 'modbus.ascii.hex', 8],
    ['ASCII with a G', 'ascii', text(':1183G26A\r\n'), 'modbus.ascii.hex', 5],
    ['ASCII with a wrong LRC', 'ascii', text(':1183026B\r\n'), 'modbus.ascii.lrc', 7],
    ['ASCII of 515 characters', 'ascii', text(`:${'00'.repeat(256)}\r\n`), 'modbus.adu.length', 0],
  ]
  for (const [title, framing, frame, code, offset] of wrong) {
    it(`refuses ${title}`, () => {
      const error = decodeError(() => ADU_CODECS[framing].decode(frame))
      expect([error.code, error.offset]).to.deep.equal([code, offset])
    })
  }

  it('refuses to frame an empty or an overlong PDU', () => {
    for (const length of [0, 254]) {
      const adu = { transaction: 1, unit: 1, pdu: new Uint8Array(length) }
      expect(usageError(() => ADU_CODECS.rtu.encode(adu)).code).to.equal('modbus.pdu.length')
    }
  })
})
