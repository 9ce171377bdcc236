import type { FunctionKind } from './functions.ts'
import type { Field } from './fields.ts'
import {
  bits,
  bytes,
  coilState,
  constant,
  flag,
  lengthOfRest,
  oneOf,
  passedInterface,
  quantity,
  range,
  rest,
  u16,
  u8,
  words,
} from './fields.ts'
import { deviceObjects, fifo, fileAnswer, fileData, fileRanges, fileRecords } from './group-fields.ts'
import { MEI_DEVICE_IDENTIFICATION } from './functions.ts'
import { MAX_READ_BITS, MAX_READ_WORDS, MAX_READ_WRITE_WORDS, MAX_WRITE_BITS, MAX_WRITE_WORDS } from './limits.ts'
import type * as Pdu from './pdu.ts'

/** What follows the function code, in wire order. */
export type Layout = readonly Field[]

/** A layout that fills the properties of `P` and no others. */
const layout = <P extends { kind: unknown }>(...fields: readonly Field<Exclude<keyof P & string, 'kind'>>[]): Layout =>
  fields

const read = (max: number): Layout =>
  layout<Pdu.ReadRequest>(u16('address'), quantity('quantity', max), range('address', 'quantity'))
const written = (max: number): Layout => layout<Pdu.WriteMultipleResponse>(u16('address'), quantity('quantity', max))
const bare: Layout = []

const writeSingleCoil = layout<Pdu.WriteSingleCoil>(u16('address'), coilState('on'))
const writeSingleRegister = layout<Pdu.WriteSingleRegister>(u16('address'), u16('value'))
const diagnostics = layout<Pdu.Diagnostics>(u16('subFunction'), rest('data'))
const writeFileRecord = layout<Pdu.WriteFileRecord>(fileRecords('groups'))
const maskWriteRegister = layout<Pdu.MaskWriteRegister>(u16('address'), u16('and'), u16('or'))
const encapsulatedInterface = layout<Pdu.EncapsulatedInterface>(passedInterface('meiType'), rest('data'))

/** Requests (6.1 to 6.21), as a client sends them. */
export const REQUEST_LAYOUTS: Readonly<Record<FunctionKind, Layout>> = {
  readCoils: read(MAX_READ_BITS),
  readDiscreteInputs: read(MAX_READ_BITS),
  readHoldingRegisters: read(MAX_READ_WORDS),
  readInputRegisters: read(MAX_READ_WORDS),
  writeSingleCoil,
  writeSingleRegister,
  readExceptionStatus: bare,
  diagnostics,
  getCommEventCounter: bare,
  getCommEventLog: bare,
  writeMultipleCoils: layout<Pdu.WriteMultipleCoilsRequest>(
    u16('address'),
    quantity('quantity', MAX_WRITE_BITS),
    bits('bits', MAX_WRITE_BITS, 'quantity'),
    range('address', 'quantity'),
  ),
  writeMultipleRegisters: layout<Pdu.WriteMultipleRegistersRequest>(
    u16('address'),
    quantity('quantity', MAX_WRITE_WORDS),
    words('values', MAX_WRITE_WORDS, 'quantity'),
    range('address', 'quantity'),
  ),
  reportServerId: bare,
  readFileRecord: layout<Pdu.ReadFileRecordRequest>(fileRanges('groups'), fileAnswer('groups')),
  writeFileRecord,
  maskWriteRegister,
  readWriteMultipleRegisters: layout<Pdu.ReadWriteMultipleRegistersRequest>(
    u16('readAddress'),
    quantity('readQuantity', MAX_READ_WORDS),
    u16('writeAddress'),
    quantity('writeQuantity', MAX_READ_WRITE_WORDS),
    words('values', MAX_READ_WRITE_WORDS, 'writeQuantity'),
    range('readAddress', 'readQuantity'),
    range('writeAddress', 'writeQuantity'),
  ),
  readFifoQueue: layout<Pdu.ReadFifoQueueRequest>(u16('address')),
  encapsulatedInterface,
  readDeviceIdentification: layout<Pdu.ReadDeviceIdentificationRequest>(
    constant(MEI_DEVICE_IDENTIFICATION, 'meiType'),
    oneOf('code', [1, 2, 3, 4]),
    u8('objectId'),
  ),
}

/** Normal responses, as a server sends them. */
export const RESPONSE_LAYOUTS: Readonly<Record<FunctionKind, Layout>> = {
  readCoils: layout<Pdu.ReadBitsResponse>(bits('bits', MAX_READ_BITS)),
  readDiscreteInputs: layout<Pdu.ReadBitsResponse>(bits('bits', MAX_READ_BITS)),
  readHoldingRegisters: layout<Pdu.ReadWordsResponse>(words('values', MAX_READ_WORDS)),
  readInputRegisters: layout<Pdu.ReadWordsResponse>(words('values', MAX_READ_WORDS)),
  writeSingleCoil,
  writeSingleRegister,
  readExceptionStatus: layout<Pdu.ReadExceptionStatusResponse>(u8('status')),
  diagnostics,
  getCommEventCounter: layout<Pdu.GetCommEventCounterResponse>(u16('status'), u16('eventCount')),
  getCommEventLog: layout<Pdu.GetCommEventLogResponse>(
    lengthOfRest(6, 'events', 64),
    u16('status'),
    u16('eventCount'),
    u16('messageCount'),
    rest('events'),
  ),
  writeMultipleCoils: written(MAX_WRITE_BITS),
  writeMultipleRegisters: written(MAX_WRITE_WORDS),
  reportServerId: layout<Pdu.ReportServerIdResponse>(bytes('data', 1, 251)),
  readFileRecord: layout<Pdu.ReadFileRecordResponse>(fileData('groups')),
  writeFileRecord,
  maskWriteRegister,
  readWriteMultipleRegisters: layout<Pdu.ReadWordsResponse>(words('values', MAX_READ_WORDS)),
  readFifoQueue: layout<Pdu.ReadFifoQueueResponse>(fifo('values')),
  encapsulatedInterface,
  readDeviceIdentification: layout<Pdu.ReadDeviceIdentificationResponse>(
    constant(MEI_DEVICE_IDENTIFICATION, 'meiType'),
    oneOf('code', [1, 2, 3, 4]),
    u8('conformity'),
    flag('more'),
    u8('nextObjectId'),
    deviceObjects('objects'),
  ),
}
