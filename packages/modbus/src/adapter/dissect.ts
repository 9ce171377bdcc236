import type { Direction } from '@gridseal/adapter'
import { DecodeError } from '@gridseal/wire'
import type { Adu, Framing } from '../codec/adu.ts'
import { ADU_CODECS } from '../codec/adu.ts'
import { EXCEPTION_BIT } from '../codec/functions.ts'
import type { Examination } from '../codec/pdu-codec.ts'
import { examinePdu } from '../codec/pdu-codec.ts'
import type { Request, Response } from '../codec/pdu.ts'
import { sideOf } from '../framing/framer.ts'

/** One frame taken apart as far as it goes. */
export type Dissection =
  /** Not even an ADU. */
  | { readonly adu: undefined; readonly error: DecodeError }
  | ({
      readonly adu: Adu
      /** Without the exception bit of a response. */
      readonly functionCode: number
    } & Examination)

/** Takes a frame apart; never throws for what is in the bytes. */
export function dissect(frame: Uint8Array, direction: Direction, framing: Framing): Dissection {
  let adu: Adu
  try {
    adu = ADU_CODECS[framing].decode(frame)
  } catch (error) {
    if (error instanceof DecodeError) return { adu: undefined, error }
    throw error
  }
  const { pdu } = adu
  const { values, malformed, violation } = examinePdu(pdu, 0, pdu.length, sideOf(direction))
  return { adu, functionCode: pdu[0]! & ~EXCEPTION_BIT, values, malformed, violation }
}

/** The PDU of a frame in which nothing is wrong. */
export function sound(dissection: Dissection, direction: 'to-device'): Request | undefined
export function sound(dissection: Dissection, direction: 'to-master'): Response | undefined
export function sound(dissection: Dissection): unknown {
  if (dissection.adu === undefined || dissection.malformed !== undefined || dissection.violation !== undefined) {
    return undefined
  }
  return dissection.values
}
