import { UsageError } from '@gridseal/wire'
import { MAX_RECORD } from '../codec/limits.ts'
import type { Bus } from './diagnostics.ts'
import { UnitDiagnostics } from './diagnostics.ts'
import type { Block, RegisterFile } from './register-file.ts'
import { DataTable } from './register-file.ts'

/** Layout of function 17 that most devices use: id, run indicator, text. */
export interface ServerId {
  /** One byte. */
  readonly id: number
  readonly text: string
}

/** One unit (device) as configured. */
export interface UnitOptions {
  readonly coils?: readonly Block[]
  readonly discreteInputs?: readonly Block[]
  readonly inputRegisters?: readonly Block[]
  readonly holdingRegisters?: readonly Block[]
  /** What function 17 answers; without it the function is not supported. */
  readonly serverId?: ServerId
  /**
   * Texts of function 43/14 by object id; 0 vendor, 1 product code and 2 revision must be there. Without it the function
   * is not supported.
   */
  readonly identification?: Readonly<Record<number, string>>
  /** Function 7: the eight exception status outputs, or what reads them. Without it the function is not supported. */
  readonly exceptionStatus?: number | ((registers: RegisterFile) => number)
  /** Functions 20 and 21: by file number (1 to 65535), the records, each one register: how many, or their values. */
  readonly files?: Readonly<Record<number, number | readonly number[]>>
  /** Function 24: by pointer address, what is in the queue (at most 31 registers); asked each time. */
  readonly fifos?: Readonly<Record<number, () => readonly number[]>>
  /** Called before each request: brings the registers up to date. `now` in nanoseconds since 1970-01-01 UTC. */
  readonly update?: (registers: RegisterFile, now: bigint) => void
}

/** One unit at work. */
export interface Unit {
  readonly registers: RegisterFile
  readonly serverId: Uint8Array | undefined
  /** By object id, ascending. */
  readonly identification: ReadonlyMap<number, Uint8Array> | undefined
  readonly update: ((registers: RegisterFile, now: bigint) => void) | undefined
  readonly exceptionStatus: (() => number) | undefined
  readonly files: ReadonlyMap<number, DataTable> | undefined
  readonly fifos: ReadonlyMap<number, () => readonly number[]> | undefined
  readonly diagnostics: UnitDiagnostics
}

/** So that one object always fits an answer: 253 bytes less what stands before it. */
const MAX_OBJECT = 244

/** Builds a unit. Throws {@link UsageError} for options that cannot be. */
export function createUnit(options: UnitOptions, bus: Bus): Unit {
  const registers = {
    coils: new DataTable(options.coils),
    discreteInputs: new DataTable(options.discreteInputs),
    inputRegisters: new DataTable(options.inputRegisters),
    holdingRegisters: new DataTable(options.holdingRegisters),
  }
  const { exceptionStatus: status } = options
  return {
    registers,
    serverId: options.serverId && serverIdOf(options.serverId),
    identification: options.identification && identificationOf(options.identification),
    update: options.update,
    exceptionStatus: status === undefined ? undefined : () => (typeof status === 'number' ? status : status(registers)),
    files: options.files && filesOf(options.files),
    fifos: options.fifos && fifosOf(options.fifos),
    diagnostics: new UnitDiagnostics(bus),
  }
}

function filesOf(files: Readonly<Record<number, number | readonly number[]>>): ReadonlyMap<number, DataTable> {
  return new Map(
    Object.entries(files).map(([id, cells]) => {
      const file = Number(id)
      const records = typeof cells === 'number' ? cells : cells.length
      if (!Number.isInteger(file) || file < 1 || file > 0xffff || records > MAX_RECORD + 1) {
        throw new UsageError('modbus.unit.file', `file ${id}: numbers are 1 to 65535, records 0 to ${MAX_RECORD}`)
      }
      return [file, new DataTable([{ start: 0, cells }])]
    }),
  )
}

function fifosOf(
  fifos: Readonly<Record<number, () => readonly number[]>>,
): ReadonlyMap<number, () => readonly number[]> {
  return new Map(Object.entries(fifos).map(([address, queue]) => [Number(address), queue]))
}

const RUNNING = 0xff
/** 253 bytes less function, byte count, id and run indicator. */
const MAX_SERVER_TEXT = 249

function serverIdOf({ id, text }: ServerId): Uint8Array {
  const bytes = new TextEncoder().encode(text)
  if (!Number.isInteger(id) || id < 0 || id > 0xff || bytes.length > MAX_SERVER_TEXT) {
    throw new UsageError('modbus.unit.server-id', `id must be a byte, text at most ${MAX_SERVER_TEXT} bytes`)
  }
  return Uint8Array.of(id, RUNNING, ...bytes)
}

function identificationOf(texts: Readonly<Record<number, string>>): ReadonlyMap<number, Uint8Array> {
  const objects = Object.entries(texts)
    .map(([id, text]): [number, Uint8Array] => [Number(id), new TextEncoder().encode(text)])
    .sort(([a], [b]) => a - b)
  for (const [id, value] of objects) {
    if (id > 0xff || value.length > MAX_OBJECT) {
      throw new UsageError('modbus.unit.identification', `object ${id} has more than ${MAX_OBJECT} bytes or no such id`)
    }
  }
  for (const id of [0, 1, 2]) {
    if (texts[id] === undefined) throw new UsageError('modbus.unit.identification', `object ${id} is mandatory`)
  }
  return new Map(objects)
}
