import type { Writer } from '@gridseal/wire'
import { UsageError } from '@gridseal/wire'
import { bytesForBits } from './bits.ts'
import { MEI_DEVICE_IDENTIFICATION } from './functions.ts'
import type { PduReader } from './pdu-reader.ts'

/** A PDU's value while it is decoded or encoded field by field. */
export type FieldValues = Record<string, unknown>

/** One field of a PDU: its reading and its writing side by side. `read` may look at the fields before it. */
export interface Field<N extends string = string> {
  /** The property it fills; absent for fields that carry nothing of their own (constants, checks). */
  readonly name?: N
  read(r: PduReader, before: FieldValues): unknown
  write(w: Writer, value: unknown, all: FieldValues): void
}

const refuse = (code: string, field: string, message: string): UsageError =>
  new UsageError(code, `${field}: ${message}`, { field })

/** One byte. */
export function u8<N extends string>(name: N): Field<N> {
  return { name, read: (r) => r.u8(name), write: (w, value) => w.u8(value as number) }
}

/** Two bytes, high byte first, as everything in a PDU. */
export function u16<N extends string>(name: N): Field<N> {
  return { name, read: (r) => r.u16be(name), write: (w, value) => w.u16be(value as number) }
}

/** How many coils or registers: 1 to `max`. */
export function quantity<N extends string>(name: N, max: number): Field<N> {
  const code = 'modbus.pdu.quantity'
  const wrong = (value: number): boolean => value < 1 || value > max
  return {
    name,
    read: (r) => {
      const value = r.u16be(name)
      if (wrong(value)) r.refuse(code, name, 2, `${value} is not within 1 to ${max}`)
      return value
    },
    write: (w, value) => {
      if (wrong(value as number)) throw refuse(code, name, `${String(value)} is not within 1 to ${max}`)
      w.u16be(value as number)
    },
  }
}

/** A number of one byte that must be one of a few. */
export function oneOf<N extends string>(name: N, allowed: readonly number[]): Field<N> {
  const code = 'modbus.pdu.value'
  return {
    name,
    read: (r) => {
      const value = r.u8(name)
      if (!allowed.includes(value)) r.refuse(code, name, 1, `${value} is none of ${allowed.join(', ')}`)
      return value
    },
    write: (w, value) => {
      if (!allowed.includes(value as number)) throw refuse(code, name, `none of ${allowed.join(', ')}`)
      w.u8(value as number)
    },
  }
}

/** MODBUS Encapsulated Interface type of an interface that passes through, so any but those with a kind of their own. */
export function passedInterface<N extends string>(name: N): Field<N> {
  return {
    name,
    read: (r) => r.u8(name),
    write: (w, value) => {
      if (value === MEI_DEVICE_IDENTIFICATION) throw refuse('modbus.pdu.function', name, 'has a kind of its own')
      w.u8(value as number)
    },
  }
}

/** A coil's state: FF00 on, 0000 off, nothing else. */
export function coilState<N extends string>(name: N): Field<N> {
  return {
    name,
    read: (r) => {
      const value = r.u16be(name)
      if (value !== 0xff00 && value !== 0) r.refuse('modbus.pdu.value', name, 2, 'neither FF00 nor 0000')
      return value === 0xff00
    },
    write: (w, value) => w.u16be(value === true ? 0xff00 : 0),
  }
}

/** 00 or FF. */
export function flag<N extends string>(name: N): Field<N> {
  return {
    name,
    read: (r) => {
      const value = r.u8(name)
      if (value !== 0xff && value !== 0) r.refuse('modbus.pdu.value', name, 1, 'neither FF nor 00')
      return value === 0xff
    },
    write: (w, value) => w.u8(value === true ? 0xff : 0),
  }
}

/** A byte that is always the same and says nothing new. */
export function constant(value: number, field: string): Field<never> {
  return {
    read: (r) => {
      if (r.u8(field) !== value) r.refuse('modbus.pdu.value', field, 1, `is not ${value}`)
    },
    write: (w) => w.u8(value),
  }
}

/** No bytes: the addressed range must end within the 65536 of a table. */
export function range(address: string, count: string): Field<never> {
  const beyond = (v: FieldValues): boolean => (v[address] as number) + (v[count] as number) > 0x1_0000
  return {
    read: (r, before) => {
      if (beyond(before)) r.refuse('modbus.pdu.address-range', address, 0, 'range ends past 65535')
    },
    write: (_, __, all) => {
      if (beyond(all)) throw refuse('modbus.pdu.address-range', address, 'range ends past 65535')
    },
  }
}

/** Byte count, then bits packed; `of` names the field that says how many, where the PDU has one. */
export function bits<N extends string>(name: N, max: number, of?: string): Field<N> {
  return byteField(name, 1, bytesForBits(max), of && ((v) => bytesForBits(v[of] as number)))
}

/** Byte count, then registers; `of` names the field that says how many, where the PDU has one. */
export function words<N extends string>(name: N, max: number, of?: string): Field<N> {
  const bytes = byteField(name, 2, 2 * max, of && ((v) => 2 * (v[of] as number)))
  return {
    name,
    read: (r, before) => {
      const raw = bytes.read(r, before) as Uint8Array
      if (raw.length % 2 !== 0) r.refuse('modbus.pdu.byte-count', 'byteCount', raw.length + 1, 'odd')
      return wordsOf(raw)
    },
    write: (w, value, all) => bytes.write(w, bytesOf(value as readonly number[], name), all),
  }
}

/** Byte count, then that many bytes as they are. */
export function bytes<N extends string>(name: N, min: number, max: number): Field<N> {
  return byteField(name, min, max)
}

function byteField<N extends string>(
  name: N,
  min: number,
  max: number,
  expected?: '' | ((values: FieldValues) => number),
): Field<N> {
  const code = 'modbus.pdu.byte-count'
  const problem = (length: number, values: FieldValues): string | undefined => {
    if (expected && expected(values) !== length) return `${length}, but the quantity needs ${expected(values)}`
    return length < min || length > max ? `${length} is not within ${min} to ${max}` : undefined
  }
  return {
    name,
    read: (r, before) => {
      const length = r.u8('byteCount')
      const message = problem(length, before)
      if (message !== undefined) r.refuse(code, 'byteCount', 1, message)
      return r.take(length, name)
    },
    write: (w, value, all) => {
      const data = value as Uint8Array
      const message = problem(data.length, all)
      if (message !== undefined) throw refuse(code, name, message)
      w.u8(data.length).bytes(data)
    },
  }
}

/** Byte count of all that follows: `fixed` bytes of other fields, then the field `tail` of up to `maxTail` bytes. */
export function lengthOfRest(fixed: number, tail: string, maxTail: number): Field<never> {
  const code = 'modbus.pdu.byte-count'
  return {
    read: (r) => {
      const length = r.u8('byteCount')
      r.need(length, 'byteCount')
      if (length < fixed || length > fixed + maxTail || length !== r.remaining) {
        r.refuse(code, 'byteCount', 1, `${length}, but ${r.remaining} bytes follow`)
      }
    },
    write: (w, _, all) => {
      const length = (all[tail] as Uint8Array).length
      if (length > maxTail) throw refuse(code, tail, `more than ${maxTail} bytes`)
      w.u8(fixed + length)
    },
  }
}

/** All bytes up to the end of the PDU. */
export function rest<N extends string>(name: N): Field<N> {
  return { name, read: (r) => r.rest(), write: (w, value) => w.bytes(value as Uint8Array) }
}

/** Registers of a byte string; an odd byte at the end is left out. */
export function wordsOf(raw: Uint8Array): number[] {
  const values: number[] = []
  for (let i = 0; i + 1 < raw.length; i += 2) values.push((raw[i]! << 8) | raw[i + 1]!)
  return values
}

function bytesOf(values: readonly number[], field: string): Uint8Array {
  const raw = new Uint8Array(2 * values.length)
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (!Number.isInteger(value) || value < 0 || value > 0xffff) {
      throw refuse('modbus.pdu.value', field, `${value} is not a register value`)
    }
    raw[2 * i] = value >> 8
    raw[2 * i + 1] = value & 0xff
  }
  return raw
}
