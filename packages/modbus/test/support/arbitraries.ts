import fc from 'fast-check'
import { FUNCTIONS, packBits } from '@gridseal/modbus'
import type { Request, Response } from '@gridseal/modbus'

const byte = fc.nat(0xff)
const word = fc.nat(0xffff)
const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength })
const words = (minLength: number, maxLength: number) => fc.array(word, { minLength, maxLength })

/** Address and quantity whose range ends within the table. */
const range = (max: number) =>
  fc
    .tuple(word, fc.integer({ min: 1, max }))
    .map(([address, quantity]) => ({ address: Math.min(address, 0x1_0000 - quantity), quantity }))

const read = (kind: 'readCoils' | 'readDiscreteInputs' | 'readHoldingRegisters' | 'readInputRegisters', max: number) =>
  range(max).map((fields) => ({ kind, ...fields }))

const singleCoil = fc.record({ kind: fc.constant('writeSingleCoil' as const), address: word, on: fc.boolean() })
const singleRegister = fc.record({ kind: fc.constant('writeSingleRegister' as const), address: word, value: word })
const diagnostics = fc.record({ kind: fc.constant('diagnostics' as const), subFunction: word, data: bytes(0, 250) })
const mask = fc.record({ kind: fc.constant('maskWriteRegister' as const), address: word, and: word, or: word })
const fileRecord = fc
  .record({ file: word, record: fc.nat(9999), data: bytes(1, 20) })
  .map((group) => ({ ...group, data: group.data.length % 2 === 0 ? group.data : new Uint8Array([...group.data, 0]) }))
const writeFile = fc.record({
  kind: fc.constant('writeFileRecord' as const),
  groups: fc.array(fileRecord, { minLength: 1, maxLength: 8 }),
})
const interfaces = fc.record({
  kind: fc.constant('encapsulatedInterface' as const),
  meiType: byte.filter((type) => type !== 14),
  data: bytes(0, 251),
})
const privateCodes = Array.from({ length: 0x80 }, (_, code) => code).filter(
  (code) => !FUNCTIONS.some((spec) => spec.code === code),
)
const other = fc.record({
  kind: fc.constant('other' as const),
  function: fc.constantFrom(...privateCodes),
  data: bytes(0, 252),
})
const identificationCode = fc.integer({ min: 1, max: 4 })

/** Any request that the standard allows. */
export const anyRequest: fc.Arbitrary<Request> = fc.oneof(
  read('readCoils', 2000),
  read('readDiscreteInputs', 2000),
  read('readHoldingRegisters', 125),
  read('readInputRegisters', 125),
  singleCoil,
  singleRegister,
  fc.record({
    kind: fc.constantFrom(
      'readExceptionStatus' as const,
      'getCommEventCounter' as const,
      'getCommEventLog' as const,
      'reportServerId' as const,
    ),
  }),
  diagnostics,
  fc.tuple(range(1968), fc.boolean()).map(([fields, state]) => ({
    kind: 'writeMultipleCoils' as const,
    ...fields,
    bits: packBits(new Array<boolean>(fields.quantity).fill(state)),
  })),
  range(123).map((fields) => ({
    kind: 'writeMultipleRegisters' as const,
    ...fields,
    values: Array.from({ length: fields.quantity }, (_, i) => (i * 259) & 0xffff),
  })),
  fc.record({
    kind: fc.constant('readFileRecord' as const),
    groups: fc.array(fc.record({ file: word, record: fc.nat(9999), length: fc.nat(10) }), {
      minLength: 1,
      maxLength: 8,
    }),
  }),
  writeFile,
  mask,
  fc.tuple(range(125), range(121)).map(([asked, written]) => ({
    kind: 'readWriteMultipleRegisters' as const,
    readAddress: asked.address,
    readQuantity: asked.quantity,
    writeAddress: written.address,
    writeQuantity: written.quantity,
    values: new Array<number>(written.quantity).fill(0xa55a),
  })),
  fc.record({ kind: fc.constant('readFifoQueue' as const), address: word }),
  interfaces,
  fc.record({ kind: fc.constant('readDeviceIdentification' as const), code: identificationCode, objectId: byte }),
  other,
)

/** Any response that the standard allows. */
export const anyResponse: fc.Arbitrary<Response> = fc.oneof(
  fc.record({ kind: fc.constantFrom('readCoils' as const, 'readDiscreteInputs' as const), bits: bytes(1, 250) }),
  fc.record({
    kind: fc.constantFrom(
      'readHoldingRegisters' as const,
      'readInputRegisters' as const,
      'readWriteMultipleRegisters' as const,
    ),
    values: words(1, 125),
  }),
  singleCoil,
  singleRegister,
  fc.record({ kind: fc.constant('readExceptionStatus' as const), status: byte }),
  diagnostics,
  fc.record({ kind: fc.constant('getCommEventCounter' as const), status: word, eventCount: word }),
  fc.record({
    kind: fc.constant('getCommEventLog' as const),
    status: word,
    eventCount: word,
    messageCount: word,
    events: bytes(0, 64),
  }),
  range(1968).map((fields) => ({ kind: 'writeMultipleCoils' as const, ...fields })),
  range(123).map((fields) => ({ kind: 'writeMultipleRegisters' as const, ...fields })),
  fc.record({ kind: fc.constant('reportServerId' as const), data: bytes(1, 251) }),
  fc.record({
    kind: fc.constant('readFileRecord' as const),
    groups: fc.array(
      words(1, 10).map((values) => Uint8Array.from(values.flatMap((value) => [value >> 8, value & 0xff]))),
      { minLength: 1, maxLength: 8 },
    ),
  }),
  writeFile,
  mask,
  fc.record({ kind: fc.constant('readFifoQueue' as const), values: words(0, 31) }),
  interfaces,
  fc.record({
    kind: fc.constant('readDeviceIdentification' as const),
    code: identificationCode,
    conformity: byte,
    more: fc.boolean(),
    nextObjectId: byte,
    objects: fc.array(fc.record({ id: byte, value: bytes(0, 20) }), { maxLength: 10 }),
  }),
  other,
  fc.record({ kind: fc.constant('exception' as const), function: fc.nat(0x7f), exception: byte }),
)
