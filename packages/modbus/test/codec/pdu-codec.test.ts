import { expect } from 'chai'
import {
  FUNCTIONS,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  examinePdu,
  functionCodeOf,
} from '@gridseal/modbus'
import { fromHex, toHex } from '@gridseal/wire'
import { VECTORS } from '../support/vectors.ts'
import { decodeError, usageError } from '../support/errors.ts'

describe('Modbus PDUs (Application Protocol V1.1b3, 6)', () => {
  for (const { title, request, response } of VECTORS) {
    it(title, () => {
      const [asked, answered] = [fromHex(request.pdu), fromHex(response.pdu)]
      expect(decodeRequest(asked)).to.deep.equal(request.value)
      expect(toHex(encodeRequest(request.value))).to.equal(toHex(asked))
      expect(decodeResponse(answered)).to.deep.equal(response.value)
      expect(toHex(encodeResponse(response.value))).to.equal(toHex(answered))
      expect(functionCodeOf(request.value)).to.equal(asked[0])
      expect(functionCodeOf(response.value)).to.equal(answered[0]! & 0x7f)
    })
  }

  it('has an example of every public function', () => {
    const shown = new Set<string>(VECTORS.map((vector) => vector.request.value.kind))
    expect(FUNCTIONS.filter((spec) => !shown.has(spec.kind))).to.deep.equal([])
  })

  it('reads the same bytes by who sent them', () => {
    // A request for 513 registers from 513 (too many) is, from a server, two registers.
    const pdu = fromHex('03 04 0201 0201')
    expect(decodeResponse(pdu)).to.deep.equal({ kind: 'readHoldingRegisters', values: [513, 513] })
    expect(decodeError(() => decodeRequest(pdu)).code).to.equal('modbus.pdu.quantity')
  })

  it('keeps the padding bits of coils, so that a frame is what it was', () => {
    const pdu = fromHex('0F 0000 0003 01 FD')
    expect(toHex(encodeRequest(decodeRequest(pdu)))).to.equal(toHex(pdu))
  })

  it('gives views, not copies', () => {
    const pdu = fromHex('01 02 0000')
    const response = decodeResponse(pdu)
    pdu[2] = 0xaa
    expect(response).to.deep.equal({ kind: 'readCoils', bits: fromHex('AA00') })
  })

  it('takes a request with the exception bit for what it is: not a public function', () => {
    expect(decodeRequest(fromHex('83 02'))).to.deep.equal({ kind: 'other', function: 0x83, data: fromHex('02') })
  })
})

describe('Modbus PDUs that are not right', () => {
  const request = (pdu: string) => decodeError(() => decodeRequest(fromHex(pdu)))
  const response = (pdu: string) => decodeError(() => decodeResponse(fromHex(pdu)))
  const told = ({ code, field, offset }: { code: string; field: string; offset: number }) => [code, field, offset]

  const requests: readonly (readonly [string, string, string, string, number])[] = [
    ['nothing at all', '', 'decode.truncated', 'function', 0],
    ['no quantity', '03 0000', 'decode.truncated', 'quantity', 3],
    ['read of 0 coils', '01 0000 0000', 'modbus.pdu.quantity', 'quantity', 3],
    ['read of 2001 coils', '01 0000 07D1', 'modbus.pdu.quantity', 'quantity', 3],
    ['read of 126 registers', '03 0000 007E', 'modbus.pdu.quantity', 'quantity', 3],
    ['read past address 65535', '03 FFFF 0002', 'modbus.pdu.address-range', 'address', 5],
    ['bytes left over', '03 0000 0001 00', 'decode.trailing', 'pdu', 5],
    ['coil neither on nor off', '05 0000 1234', 'modbus.pdu.value', 'on', 3],
    ['write of 1969 coils', `0F 0000 07B1 F7 ${'00'.repeat(247)}`, 'modbus.pdu.quantity', 'quantity', 3],
    ['byte count of coils too small', '0F 0000 0009 01 00', 'modbus.pdu.byte-count', 'byteCount', 5],
    ['write of 124 registers', `10 0000 007C F8 ${'00'.repeat(248)}`, 'modbus.pdu.quantity', 'quantity', 3],
    ['byte count of registers too large', '10 0000 0001 04 00000000', 'modbus.pdu.byte-count', 'byteCount', 5],
    ['byte count past the end', '10 0000 0002 04 0000', 'decode.truncated', 'values', 6],
    ['write past address 65535', '10 FFFF 0002 04 00000000', 'modbus.pdu.address-range', 'address', 10],
    [
      'function 23 writing 122 registers',
      `17 0000 0001 0000 007A F4 ${'00'.repeat(242)}`,
      'modbus.pdu.quantity',
      'writeQuantity',
      7,
    ],
    ['file read of nothing', '14 00', 'modbus.pdu.byte-count', 'byteCount', 1],
    ['file group cut short', '14 08 06 0004 0001 0002 06', 'decode.truncated', 'fileNumber', 10],
    ['reference type 5', '14 07 05 0004 0001 0002', 'modbus.pdu.reference-type', 'referenceType', 2],
    ['record 10000', '14 07 06 0004 2710 0002', 'modbus.pdu.record', 'recordNumber', 5],
    ['file read whose answer does not fit', '14 07 06 0004 0001 007E', 'modbus.pdu.answer-length', 'groups', 9],
    ['file write with data cut short', '15 0B 06 0004 0007 0003 06AF04BE', 'decode.truncated', 'recordData', 9],
    ['identification code 5', '2B 0E 05 00', 'modbus.pdu.value', 'code', 2],
    ['interface without a type', '2B', 'decode.truncated', 'meiType', 1],
    ['longer than 253 bytes', `41 ${'00'.repeat(253)}`, 'modbus.pdu.length', 'pdu', 0],
  ]
  for (const [title, pdu, ...expected] of requests) {
    it(`request: ${title}`, () => expect(told(request(pdu))).to.deep.equal(expected))
  }

  const responses: readonly (readonly [string, string, string, string, number])[] = [
    ['exception without a code', '83', 'decode.truncated', 'exception', 1],
    ['exception with more than a code', '83 02 00', 'decode.trailing', 'pdu', 2],
    ['no values', '03 00', 'modbus.pdu.byte-count', 'byteCount', 1],
    ['half a register', '03 03 000000', 'modbus.pdu.byte-count', 'byteCount', 1],
    ['byte count past the end', '01 05 00', 'decode.truncated', 'bits', 2],
    ['byte count before the end', '01 01 0000', 'decode.trailing', 'pdu', 3],
    ['event log shorter than it says', '0C 08 0000 0108 0121 20', 'decode.truncated', 'byteCount', 2],
    ['event log longer than it says', '0C 06 0000 0108 0121 20', 'modbus.pdu.byte-count', 'byteCount', 1],
    ['FIFO of 32 registers', `18 0042 0020 ${'0000'.repeat(32)}`, 'modbus.pdu.fifo-count', 'fifoCount', 3],
    ['FIFO byte count that does not fit', '18 0008 0002 01B8 1284', 'modbus.pdu.byte-count', 'byteCount', 1],
    ['file response of even length', '14 05 04 06 0DFE 00', 'modbus.pdu.byte-count', 'fileResponseLength', 2],
    ['object longer than the PDU', '2B 0E 01 01 00 00 01 00 08 4772', 'decode.truncated', 'objectValue', 9],
    ['fewer objects than announced', '2B 0E 01 01 00 00 02 00 01 47', 'decode.truncated', 'objectId', 10],
    ['more-follows neither 00 nor FF', '2B 0E 01 01 4D B7 00', 'modbus.pdu.value', 'more', 4],
  ]
  for (const [title, pdu, ...expected] of responses) {
    it(`response: ${title}`, () => expect(told(response(pdu))).to.deep.equal(expected))
  }

  it('are told apart: what cannot be read, and what can but must not be', () => {
    const examine = (pdu: string) => examinePdu(fromHex(pdu), 0, fromHex(pdu).length, 'request')
    const short = examine('16 0000 0000')
    expect(short.malformed?.code).to.equal('decode.truncated')
    expect(short.values).to.include({ kind: 'maskWriteRegister', address: 0, and: 0 })
    const zero = examine('0F 0007 0000 00')
    expect(zero.malformed).to.equal(undefined)
    expect(zero.violation?.code).to.equal('modbus.pdu.quantity')
    expect(zero.values).to.include({ kind: 'writeMultipleCoils', address: 7, quantity: 0 })
  })
})

describe('Modbus PDUs that must not be sent', () => {
  const wrong: readonly (readonly [string, string, () => unknown])[] = [
    ['a quantity of 0', 'modbus.pdu.quantity', () => encodeRequest({ kind: 'readCoils', address: 0, quantity: 0 })],
    [
      'a range past 65535',
      'modbus.pdu.address-range',
      () => encodeRequest({ kind: 'readCoils', address: 65535, quantity: 2 }),
    ],
    ['an address of 17 bits', 'wire.range', () => encodeRequest({ kind: 'readFifoQueue', address: 65536 })],
    [
      'fewer values than the quantity',
      'modbus.pdu.byte-count',
      () => encodeRequest({ kind: 'writeMultipleRegisters', address: 0, quantity: 2, values: [1] }),
    ],
    [
      'a value of 17 bits',
      'modbus.pdu.value',
      () => encodeRequest({ kind: 'writeMultipleRegisters', address: 0, quantity: 1, values: [65536] }),
    ],
    [
      'a public function as another',
      'modbus.pdu.function',
      () => encodeRequest({ kind: 'other', function: 3, data: fromHex('') }),
    ],
    [
      'half a register of a file',
      'modbus.pdu.byte-count',
      () => encodeResponse({ kind: 'readFileRecord', groups: [fromHex('00')] }),
    ],
    [
      'more than 31 registers of a queue',
      'modbus.pdu.fifo-count',
      () => encodeResponse({ kind: 'readFifoQueue', values: new Array<number>(32).fill(0) }),
    ],
    [
      'objects that do not fit',
      'modbus.pdu.length',
      () =>
        encodeResponse({
          kind: 'readDeviceIdentification',
          code: 1,
          conformity: 1,
          more: false,
          nextObjectId: 0,
          objects: [0, 1].map((id) => ({ id, value: new Uint8Array(200) })),
        }),
    ],
  ]
  for (const [title, code, call] of wrong) {
    it(title, () => expect(usageError(call).code).to.equal(code))
  }
})
