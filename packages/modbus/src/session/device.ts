import { DecodeError, UsageError } from '@gridseal/wire'
import type { AsciiLine } from '../codec/adu.ts'
import { newAsciiLine } from '../codec/adu.ts'
import { EXCEPTION_BIT, functionByCode } from '../codec/functions.ts'
import { decodeRequest, encodeException, encodeResponse } from '../codec/pdu-codec.ts'
import type { Request } from '../codec/pdu.ts'
import {
  GATEWAY_TARGET_FAILED,
  ILLEGAL_DATA_ADDRESS,
  ILLEGAL_DATA_VALUE,
  ILLEGAL_FUNCTION,
  SERVER_DEVICE_FAILURE,
  execute,
  isSupported,
} from './execute.ts'
import type { Bus } from './diagnostics.ts'
import { CHANGE_DELIMITER, LISTEN_ONLY, RESTART } from './diagnostics.ts'
import type { RegisterFile } from './register-file.ts'
import type { Unit, UnitOptions } from './unit.ts'
import { createUnit } from './unit.ts'

export interface DeviceOptions {
  /** Units by identifier, 1 to 247 (0 and 255 are allowed on TCP only). */
  readonly units: Readonly<Record<number, UnitOptions>>
  /** A unit that is not there, on TCP: exception 0B (default) or no answer. On a serial line there never is one. */
  readonly unknownUnit?: 'exception' | 'silence'
  /** The unit that answers as 0 and 255 on TCP, by which clients mean the device itself. Default: none. */
  readonly directUnit?: number
}

/**
 * Where a request came from: it decides what address 0 means, who answers for units that are not there, and whether
 * there is a delimiter to change.
 */
export type Line = 'tcp' | 'serial' | 'ascii'

const BROADCAST = 0
const DIRECT: readonly number[] = [0, 255]

/**
 * One or several units that answer requests: bytes of a request in, bytes of a response out. No sockets, no clock.
 * Checks in the standard's order: function (01), quantities and byte counts (03), addresses (02), execution (04).
 */
export class ModbusDevice {
  readonly #units: ReadonlyMap<number, Unit>
  readonly #silent: boolean
  readonly #directUnit: Unit | undefined
  readonly #bus: Bus = { messages: 0, errors: 0, ascii: newAsciiLine() }

  /** Throws {@link UsageError} for options that cannot be. */
  constructor(options: DeviceOptions) {
    const units = Object.entries(options.units).map(([id, unit]): [number, UnitOptions] => [Number(id), unit])
    const wrong = units.find(([id]) => !Number.isInteger(id) || id < 0 || id > 255)
    if (wrong !== undefined) throw new UsageError('modbus.device.unit', `unit ${wrong[0]} is not within 0 to 255`)
    this.#units = new Map(units.map(([id, unit]) => [id, createUnit(unit, this.#bus)]))
    this.#silent = options.unknownUnit === 'silence'
    this.#directUnit = options.directUnit === undefined ? undefined : this.#units.get(options.directUnit)
    if (options.directUnit !== undefined && this.#directUnit === undefined) {
      throw new UsageError('modbus.device.unit', `directUnit ${options.directUnit} is none of the units`)
    }
  }

  /** The registers of a unit, to look at and to change from outside; undefined for a unit that is not there. */
  registers(unit: number): RegisterFile | undefined {
    return this.#units.get(unit)?.registers
  }

  /** What ends the frames of an ASCII line: function 8, sub-function 3, changes it for all units of the device. */
  get ascii(): Readonly<AsciiLine> {
    return this.#bus.ascii
  }

  /** Frames with a wrong check sum came in; function 8 tells of them. */
  noise(frames: number): void {
    this.#bus.errors += frames
  }

  /** The PDU to answer, or undefined for silence. `now` in nanoseconds since 1970-01-01 UTC. */
  answer(unitId: number, pdu: Uint8Array, line: Line, now: bigint): Uint8Array | undefined {
    this.#bus.messages++
    if (line !== 'tcp' && unitId === BROADCAST) {
      for (const unit of this.#units.values()) {
        serve(unit, pdu, now, line, true)
        unit.diagnostics.silent()
      }
      return undefined
    }
    const direct = line === 'tcp' && DIRECT.includes(unitId) ? this.#directUnit : undefined
    const unit = this.#units.get(unitId) ?? direct
    if (unit !== undefined) return serve(unit, pdu, now, line, false)
    if (line !== 'tcp' || this.#silent) return undefined
    return encodeException(pdu[0] ?? 0, GATEWAY_TARGET_FAILED)
  }
}

/** Keeps the unit's own books (functions 8, 11, 12) around an answer. A unit that only listens says and does nothing. */
function serve(unit: Unit, pdu: Uint8Array, now: bigint, line: Line, broadcast: boolean): Uint8Array | undefined {
  const { diagnostics } = unit
  diagnostics.received(broadcast)
  const { listening } = diagnostics
  if (listening && !isRestart(pdu)) {
    if (!broadcast) diagnostics.silent()
    return undefined
  }
  // Over TCP any client could make the device fall silent for all, and only ASCII has a delimiter.
  const misplaced = (line === 'tcp' && changesMode(pdu)) || (line !== 'ascii' && asks(pdu, CHANGE_DELIMITER))
  const answer = misplaced ? encodeException(DIAGNOSTICS, ILLEGAL_FUNCTION) : answerAs(unit, pdu, now)
  const exception = answer[0]! >= EXCEPTION_BIT ? answer[1]! : 0
  // Neither who begins nor who ends to listen only answers (6.8.1); a restart leaves fresh books.
  const silent = listening || (diagnostics.listening && exception === 0)
  if (!silent && !isRestart(pdu)) diagnostics.completed(exception, !ASKS_FOR_EVENTS.includes(pdu[0]!))
  if (!silent) return answer
  if (!broadcast) diagnostics.silent()
  return undefined
}

const DIAGNOSTICS = 8
const ASKS_FOR_EVENTS: readonly number[] = [11, 12]

function isRestart(pdu: Uint8Array): boolean {
  return pdu.length === 5 && asks(pdu, RESTART)
}

function changesMode(pdu: Uint8Array): boolean {
  return asks(pdu, RESTART) || asks(pdu, LISTEN_ONLY)
}

function asks(pdu: Uint8Array, subFunction: number): boolean {
  return pdu[0] === DIAGNOSTICS && pdu[1] === 0 && pdu[2] === subFunction
}

function answerAs(unit: Unit, pdu: Uint8Array, now: bigint): Uint8Array {
  const code = pdu[0] ?? 0
  const spec = functionByCode(code, pdu[1])
  const subFunction = ((pdu[1] ?? 0) << 8) | (pdu[2] ?? 0)
  if (spec === undefined || !isSupported(unit, spec.kind, subFunction)) return encodeException(code, ILLEGAL_FUNCTION)
  let request: Request
  try {
    request = decodeRequest(pdu)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    const pastTheEnd = error.code === 'modbus.pdu.address-range'
    return encodeException(code, pastTheEnd ? ILLEGAL_DATA_ADDRESS : ILLEGAL_DATA_VALUE)
  }
  try {
    unit.update?.(unit.registers, now)
    const outcome = execute(unit, request)
    return typeof outcome === 'number' ? encodeException(code, outcome) : encodeResponse(outcome)
  } catch {
    // The hooks are the user's: whatever they throw or give, the client is told that the device failed.
    return encodeException(code, SERVER_DEVICE_FAILURE)
  }
}
