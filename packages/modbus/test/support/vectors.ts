import type { Request, Response } from '@gridseal/modbus'
import { fromHex } from '@gridseal/wire'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

export interface Vector {
  readonly title: string
  readonly request: { readonly pdu: string; readonly value: Request }
  readonly response: { readonly pdu: string; readonly value: Response }
}

/** Examples of the Modbus Application Protocol V1.1b3, clause by clause, with one exception at the end. */
export const VECTORS: readonly Vector[] = [
  {
    title: '6.1 Read Coils 20-38',
    request: { pdu: '01 0013 0013', value: { kind: 'readCoils', address: 19, quantity: 19 } },
    response: { pdu: '01 03 CD6B05', value: { kind: 'readCoils', bits: fromHex('CD6B05') } },
  },
  {
    title: '6.2 Read Discrete Inputs 197-218',
    request: { pdu: '02 00C4 0016', value: { kind: 'readDiscreteInputs', address: 196, quantity: 22 } },
    response: { pdu: '02 03 ACDB35', value: { kind: 'readDiscreteInputs', bits: fromHex('ACDB35') } },
  },
  {
    title: '6.3 Read Holding Registers 108-110',
    request: { pdu: '03 006B 0003', value: { kind: 'readHoldingRegisters', address: 107, quantity: 3 } },
    response: { pdu: '03 06 022B 0000 0064', value: { kind: 'readHoldingRegisters', values: [555, 0, 100] } },
  },
  {
    title: '6.4 Read Input Registers 9',
    request: { pdu: '04 0008 0001', value: { kind: 'readInputRegisters', address: 8, quantity: 1 } },
    response: { pdu: '04 02 000A', value: { kind: 'readInputRegisters', values: [10] } },
  },
  {
    title: '6.5 Write Single Coil 173 on',
    request: { pdu: '05 00AC FF00', value: { kind: 'writeSingleCoil', address: 172, on: true } },
    response: { pdu: '05 00AC FF00', value: { kind: 'writeSingleCoil', address: 172, on: true } },
  },
  {
    title: '6.6 Write Single Register 2',
    request: { pdu: '06 0001 0003', value: { kind: 'writeSingleRegister', address: 1, value: 3 } },
    response: { pdu: '06 0001 0003', value: { kind: 'writeSingleRegister', address: 1, value: 3 } },
  },
  {
    title: '6.7 Read Exception Status',
    request: { pdu: '07', value: { kind: 'readExceptionStatus' } },
    response: { pdu: '07 6D', value: { kind: 'readExceptionStatus', status: 0x6d } },
  },
  {
    title: '6.8 Diagnostics: Return Query Data',
    request: { pdu: '08 0000 A537', value: { kind: 'diagnostics', subFunction: 0, data: fromHex('A537') } },
    response: { pdu: '08 0000 A537', value: { kind: 'diagnostics', subFunction: 0, data: fromHex('A537') } },
  },
  {
    title: '6.9 Get Comm Event Counter',
    request: { pdu: '0B', value: { kind: 'getCommEventCounter' } },
    response: { pdu: '0B FFFF 0108', value: { kind: 'getCommEventCounter', status: 0xffff, eventCount: 264 } },
  },
  {
    title: '6.10 Get Comm Event Log',
    request: { pdu: '0C', value: { kind: 'getCommEventLog' } },
    response: {
      pdu: '0C 08 0000 0108 0121 2000',
      value: { kind: 'getCommEventLog', status: 0, eventCount: 264, messageCount: 289, events: fromHex('2000') },
    },
  },
  {
    title: '6.11 Write Multiple Coils 20-29',
    request: {
      pdu: '0F 0013 000A 02 CD01',
      value: { kind: 'writeMultipleCoils', address: 19, quantity: 10, bits: fromHex('CD01') },
    },
    response: { pdu: '0F 0013 000A', value: { kind: 'writeMultipleCoils', address: 19, quantity: 10 } },
  },
  {
    title: '6.12 Write Multiple Registers 2-3',
    request: {
      pdu: '10 0001 0002 04 000A 0102',
      value: { kind: 'writeMultipleRegisters', address: 1, quantity: 2, values: [10, 258] },
    },
    response: { pdu: '10 0001 0002', value: { kind: 'writeMultipleRegisters', address: 1, quantity: 2 } },
  },
  {
    title: '6.13 Report Server ID',
    request: { pdu: '11', value: { kind: 'reportServerId' } },
    // server id 12, running, "Wingpath"
    response: {
      pdu: '11 0A 12 FF 57696E6770617468',
      value: { kind: 'reportServerId', data: fromHex('12FF57696E6770617468') },
    },
  },
  {
    title: '6.14 Read File Record: file 4 records 1-2, file 3 records 9-10',
    request: {
      pdu: '14 0E 06 0004 0001 0002 06 0003 0009 0002',
      value: {
        kind: 'readFileRecord',
        groups: [
          { file: 4, record: 1, length: 2 },
          { file: 3, record: 9, length: 2 },
        ],
      },
    },
    response: {
      pdu: '14 0C 05 06 0DFE0020 05 06 33CD0040',
      value: { kind: 'readFileRecord', groups: [fromHex('0DFE0020'), fromHex('33CD0040')] },
    },
  },
  {
    title: '6.15 Write File Record: file 4 records 7-9',
    request: {
      pdu: '15 0D 06 0004 0007 0003 06AF04BE100D',
      value: { kind: 'writeFileRecord', groups: [{ file: 4, record: 7, data: fromHex('06AF04BE100D') }] },
    },
    response: {
      pdu: '15 0D 06 0004 0007 0003 06AF04BE100D',
      value: { kind: 'writeFileRecord', groups: [{ file: 4, record: 7, data: fromHex('06AF04BE100D') }] },
    },
  },
  {
    title: '6.16 Mask Write Register 5',
    request: { pdu: '16 0004 00F2 0025', value: { kind: 'maskWriteRegister', address: 4, and: 0xf2, or: 0x25 } },
    response: { pdu: '16 0004 00F2 0025', value: { kind: 'maskWriteRegister', address: 4, and: 0xf2, or: 0x25 } },
  },
  {
    title: '6.17 Read/Write Multiple Registers: read 4-9, write 15-17',
    request: {
      pdu: '17 0003 0006 000E 0003 06 00FF 00FF 00FF',
      value: {
        kind: 'readWriteMultipleRegisters',
        readAddress: 3,
        readQuantity: 6,
        writeAddress: 14,
        writeQuantity: 3,
        values: [255, 255, 255],
      },
    },
    response: {
      pdu: '17 0C 00FE 0ACD 0001 0003 000D 00FF',
      value: { kind: 'readWriteMultipleRegisters', values: [254, 2765, 1, 3, 13, 255] },
    },
  },
  {
    title: '6.18 Read FIFO Queue 1247',
    request: { pdu: '18 04DE', value: { kind: 'readFifoQueue', address: 1246 } },
    response: { pdu: '18 0006 0002 01B8 1284', value: { kind: 'readFifoQueue', values: [440, 4740] } },
  },
  {
    title: '6.20 CANopen General Reference passes through',
    request: { pdu: '2B 0D 0102', value: { kind: 'encapsulatedInterface', meiType: 13, data: fromHex('0102') } },
    response: { pdu: '2B 0D 030405', value: { kind: 'encapsulatedInterface', meiType: 13, data: fromHex('030405') } },
  },
  {
    title: '6.21 Read Device Identification, basic',
    request: { pdu: '2B 0E 01 00', value: { kind: 'readDeviceIdentification', code: 1, objectId: 0 } },
    response: {
      pdu: '2B 0E 01 81 00 00 03 00 08 477269647365616C 01 04 47532D31 02 03 312E30',
      value: {
        kind: 'readDeviceIdentification',
        code: 1,
        conformity: 0x81,
        more: false,
        nextObjectId: 0,
        objects: [
          { id: 0, value: text('Gridseal') },
          { id: 1, value: text('GS-1') },
          { id: 2, value: text('1.0') },
        ],
      },
    },
  },
  {
    title: 'user-defined function 65 passes through',
    request: { pdu: '41 DEAD', value: { kind: 'other', function: 65, data: fromHex('DEAD') } },
    response: { pdu: '41 BEEF', value: { kind: 'other', function: 65, data: fromHex('BEEF') } },
  },
  {
    title: '7 exception: illegal data address',
    request: { pdu: '03 FFFF 0001', value: { kind: 'readHoldingRegisters', address: 0xffff, quantity: 1 } },
    response: { pdu: '83 02', value: { kind: 'exception', function: 3, exception: 2 } },
  },
]
