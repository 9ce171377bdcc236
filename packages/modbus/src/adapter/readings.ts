import type { Frame, Reading, ReadingExtractor } from '@gridseal/adapter'
import { bitAt, bytesForBits } from '../codec/bits.ts'
import type { Framing } from '../codec/adu.ts'
import type { TableName } from '../codec/functions.ts'
import type { Request, Response } from '../codec/pdu.ts'
import { pointName } from '../codec/reference.ts'
import { Pairings } from '../session/pairing.ts'
import { dissect, sound } from './dissect.ts'

/** A range that a request asked to read. */
interface Asked {
  readonly table: TableName
  readonly address: number
  readonly quantity: number
}

/**
 * Turns the answers to reads into readings: registers as raw unsigned 16-bit numbers, coils and discrete inputs as
 * booleans. Answers without a request, of another length than asked for, and exceptions bring none. Remembers at most
 * 256 open requests of each of 1024 conversations.
 */
export function createReadings(framing: Framing): ReadingExtractor {
  const pairings = new Pairings<Asked | undefined>(framing)
  return {
    push: (frame) => {
      const dissection = dissect(frame.bytes, frame.direction, framing)
      if (dissection.adu === undefined) return []
      const { adu, functionCode } = dissection
      const pairing = pairings.of(frame.link, frame.connection)
      if (frame.direction === 'to-device') {
        const request = sound(dissection, 'to-device')
        pairing.sent(adu, functionCode, request && askedBy(request))
        return []
      }
      const asked = pairing.answered(adu, functionCode)
      const response = sound(dissection, 'to-master')
      if (asked === undefined || response === undefined) return []
      return readingsOf(frame, adu.unit, asked, response)
    },
  }
}

function askedBy(request: Request): Asked | undefined {
  switch (request.kind) {
    case 'readCoils':
      return { table: 'co', address: request.address, quantity: request.quantity }
    case 'readDiscreteInputs':
      return { table: 'di', address: request.address, quantity: request.quantity }
    case 'readHoldingRegisters':
      return { table: 'hr', address: request.address, quantity: request.quantity }
    case 'readInputRegisters':
      return { table: 'ir', address: request.address, quantity: request.quantity }
    case 'readWriteMultipleRegisters':
      return { table: 'hr', address: request.readAddress, quantity: request.readQuantity }
    default:
      return undefined
  }
}

function readingsOf(frame: Frame, unit: number, asked: Asked, response: Response): Reading[] {
  const { table, address, quantity } = asked
  let valueAt: (index: number) => number | boolean
  if ('values' in response && response.values.length === quantity) valueAt = (index) => response.values[index]!
  else if ('bits' in response && response.bits.length === bytesForBits(quantity)) {
    valueAt = (index) => bitAt(response.bits, index)
  } else return []
  const prefix = unitPrefix(unit)
  const readings: Reading[] = []
  for (let i = 0; i < quantity; i++) {
    const point = prefix + pointName(table, address + i)
    readings.push({ link: frame.link, time: frame.time, point, value: valueAt(i), quality: 'good' })
  }
  return readings
}

/**
 * A link is one device, but behind a gateway or on a serial line there are several, with the same registers. Units 0, 1
 * and 255, by which a device of its own answers, go without saying; the others are named, as in `u17/hr/40001`.
 */
function unitPrefix(unit: number): string {
  return unit <= 1 || unit === 255 ? '' : `u${unit}/`
}
