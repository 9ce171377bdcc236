import { MAX_FIFO_WORDS, MAX_PDU, MAX_RECORD } from './limits.ts'
import type { Field, FieldValues } from './fields.ts'
import { wordsOf } from './fields.ts'
import type { PduReader } from './pdu-reader.ts'
import type { DeviceObject, FileRange, FileRecord } from './pdu.ts'
import { UsageError } from '@gridseal/wire'
import type { Writer } from '@gridseal/wire'

/** Fields that repeat a group: file records (6.14, 6.15), the FIFO queue (6.18), identification objects (6.21). */

/** The only reference type there is. */
const REFERENCE_TYPE = 0x06

/** File, record and length of each group, behind a byte count of 07 to F5. */
export function fileRanges<N extends string>(name: N): Field<N> {
  return counted(name, 0x07, 0xf5, {
    read: (r): FileRange => {
      referenceType(r)
      return fileRange(r)
    },
    write: (w, group: FileRange) => writeFileRange(w, group, group.length),
  })
}

/** No bytes: what the ranges ask for must fit one answer. */
export function fileAnswer(name: string): Field<never> {
  const code = 'modbus.pdu.answer-length'
  const answer = (values: FieldValues): number =>
    (values[name] as readonly FileRange[]).reduce((sum, group) => sum + 2 + 2 * group.length, 2)
  return {
    read: (r, before) => {
      if (answer(before) > MAX_PDU) r.refuse(code, name, 0, `the answer would take ${answer(before)} bytes`)
    },
    write: (_, __, all) => {
      if (answer(all) > MAX_PDU) throw new UsageError(code, `the answer would take ${answer(all)} bytes`)
    },
  }
}

/** File, record and data of each group, behind a byte count of 09 to FB. */
export function fileRecords<N extends string>(name: N): Field<N> {
  return counted(name, 0x09, 0xfb, {
    read: (r): FileRecord => {
      referenceType(r)
      const { file, record, length } = fileRange(r)
      return { file, record, data: r.take(2 * length, 'recordData') }
    },
    write: (w, group: FileRecord) => {
      writeFileRange(w, group, evenLength(group.data) / 2)
      w.bytes(group.data)
    },
  })
}

/** Data of each group with a length byte of its own, behind a byte count of 07 to F5. */
export function fileData<N extends string>(name: N): Field<N> {
  // The standard says 07 to F5; a single record of one register answers in 4.
  return counted(name, 0x04, 0xf5, {
    read: (r): Uint8Array => {
      const length = r.u8('fileResponseLength')
      if (length % 2 === 0) r.refuse('modbus.pdu.byte-count', 'fileResponseLength', 1, 'even')
      const body = r.sub(length, 'recordData')
      if (body.u8('referenceType') !== REFERENCE_TYPE) badReferenceType(r, length)
      return body.rest()
    },
    write: (w, data: Uint8Array) => {
      w.u8(1 + evenLength(data))
        .u8(REFERENCE_TYPE)
        .bytes(data)
    },
  })
}

interface Group<T> {
  read(r: PduReader): T
  write(w: Writer, group: T): void
}

/** Byte count, then groups until it is used up. */
function counted<N extends string, T>(name: N, min: number, max: number, group: Group<T>): Field<N> {
  return {
    name,
    read: (r) => {
      const length = r.u8('byteCount')
      if (length < min || length > max) {
        r.refuse('modbus.pdu.byte-count', 'byteCount', 1, `${length} is not within ${min} to ${max}`)
      }
      r.need(length, name)
      const end = r.offset + length
      const groups: T[] = []
      while (r.offset < end) groups.push(group.read(r))
      if (r.offset > end) r.refuse('modbus.pdu.byte-count', 'byteCount', r.offset - end, 'cuts a group short')
      return groups
    },
    write: (w, value) => {
      const at = w.length
      w.u8(0)
      for (const item of value as readonly T[]) group.write(w, item)
      const length = w.length - at - 1
      if (length < min || length > max) {
        throw new UsageError('modbus.pdu.byte-count', `${name}: ${length} bytes are not within ${min} to ${max}`)
      }
      w.patchU8(at, length)
    },
  }
}

function referenceType(r: PduReader): void {
  if (r.u8('referenceType') !== REFERENCE_TYPE) badReferenceType(r, 1)
}

function badReferenceType(r: PduReader, length: number): void {
  r.refuse('modbus.pdu.reference-type', 'referenceType', length, 'is not 6')
}

function fileRange(r: PduReader): FileRange {
  const file = r.u16be('fileNumber')
  const record = r.u16be('recordNumber')
  if (record > MAX_RECORD) r.refuse('modbus.pdu.record', 'recordNumber', 2, `${record} is past ${MAX_RECORD}`)
  return { file, record, length: r.u16be('recordLength') }
}

function writeFileRange(w: Writer, group: { readonly file: number; readonly record: number }, length: number): void {
  if (group.record > MAX_RECORD) throw new UsageError('modbus.pdu.record', `record is past ${MAX_RECORD}`)
  w.u8(REFERENCE_TYPE).u16be(group.file).u16be(group.record).u16be(length)
}

function evenLength(data: Uint8Array): number {
  if (data.length % 2 !== 0) throw new UsageError('modbus.pdu.byte-count', 'record data is not whole registers')
  return data.length
}

/** 16-bit byte count, 16-bit register count, registers (at most 31). */
export function fifo<N extends string>(name: N): Field<N> {
  return {
    name,
    read: (r) => {
      const length = r.u16be('byteCount')
      const count = r.u16be('fifoCount')
      if (count > MAX_FIFO_WORDS) r.refuse('modbus.pdu.fifo-count', 'fifoCount', 2, `${count} is past 31`)
      if (length !== 2 + 2 * count) r.refuse('modbus.pdu.byte-count', 'byteCount', 4, 'does not fit the FIFO count')
      return wordsOf(r.take(2 * count, name))
    },
    write: (w, value) => {
      const values = value as readonly number[]
      if (values.length > MAX_FIFO_WORDS) throw new UsageError('modbus.pdu.fifo-count', 'more than 31 registers')
      w.u16be(2 + 2 * values.length).u16be(values.length)
      for (const word of values) w.u16be(word)
    },
  }
}

/** Number of objects, then id, length and value of each. */
export function deviceObjects<N extends string>(name: N): Field<N> {
  return {
    name,
    read: (r) => {
      const count = r.u8('numberOfObjects')
      const objects: DeviceObject[] = []
      for (let i = 0; i < count; i++) {
        objects.push({ id: r.u8('objectId'), value: r.take(r.u8('objectLength'), 'objectValue') })
      }
      return objects
    },
    write: (w, value) => {
      const objects = value as readonly DeviceObject[]
      w.u8(objects.length)
      for (const { id, value: text } of objects) w.u8(id).u8(text.length).bytes(text)
    },
  }
}
