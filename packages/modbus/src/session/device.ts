import { DecodeError, UsageError } from '@gridseal/wire'
import { functionByCode } from '../codec/functions.ts'
import { decodeRequest, encodeException, encodeResponse } from '../codec/pdu-codec.ts'
import type { Request, Response } from '../codec/pdu.ts'
import {
  GATEWAY_TARGET_FAILED,
  ILLEGAL_DATA_ADDRESS,
  ILLEGAL_DATA_VALUE,
  ILLEGAL_FUNCTION,
  SERVER_DEVICE_FAILURE,
  execute,
  isSupported,
} from './execute.ts'
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

/** Where a request came from: it decides what address 0 means and who answers for units that are not there. */
export type Line = 'tcp' | 'serial'

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

  /** Throws {@link UsageError} for options that cannot be. */
  constructor(options: DeviceOptions) {
    const units = Object.entries(options.units).map(([id, unit]): [number, UnitOptions] => [Number(id), unit])
    const wrong = units.find(([id]) => !Number.isInteger(id) || id < 0 || id > 255)
    if (wrong !== undefined) throw new UsageError('modbus.device.unit', `unit ${wrong[0]} is not within 0 to 255`)
    this.#units = new Map(units.map(([id, unit]) => [id, createUnit(unit)]))
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

  /** The PDU to answer, or undefined for silence. `now` in nanoseconds since 1970-01-01 UTC. */
  answer(unitId: number, pdu: Uint8Array, line: Line, now: bigint): Uint8Array | undefined {
    if (line === 'serial' && unitId === BROADCAST) {
      for (const unit of this.#units.values()) answerAs(unit, pdu, now)
      return undefined
    }
    const direct = line === 'tcp' && DIRECT.includes(unitId) ? this.#directUnit : undefined
    const unit = this.#units.get(unitId) ?? direct
    if (unit !== undefined) return answerAs(unit, pdu, now)
    if (line === 'serial' || this.#silent) return undefined
    return encodeException(pdu[0] ?? 0, GATEWAY_TARGET_FAILED)
  }
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
  let outcome: Response | number
  try {
    unit.update?.(unit.registers, now)
    outcome = execute(unit, request)
  } catch {
    // The hook is the user's: whatever it throws, the client is told that the device failed.
    return encodeException(code, SERVER_DEVICE_FAILURE)
  }
  return typeof outcome === 'number' ? encodeException(code, outcome) : encodeResponse(outcome)
}
