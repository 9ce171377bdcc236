import { DecodeError, Writer } from '@gridseal/wire'
import { functionOf } from './functions.ts'
import { writeHeader } from './header-octets.ts'
import type { ObjectHeader } from './object-walk.ts'
import { walkObjects } from './object-walk.ts'
import type { WalkStop } from './walk-stop.ts'

/** Application control octet (IEEE 1815 clause 4). */
export interface ApplicationControl {
  /** FIR: the first fragment of a message. */
  readonly first: boolean
  /** FIN: the last fragment of a message. */
  readonly final: boolean
  /** CON: the receiver shall confirm. */
  readonly confirm: boolean
  /** UNS: unsolicited response, or the confirmation of one. */
  readonly unsolicited: boolean
  /** 0..15 */
  readonly sequence: number
}

/** One application fragment. */
export interface Fragment {
  readonly control: ApplicationControl
  /** Function code; {@link functionOf} knows the standard's. */
  readonly function: number
  /** Internal indications of a response, IIN1 * 256 + IIN2; undefined in requests. */
  readonly iin: number | undefined
  /** The object headers as far as they could be told. */
  readonly headers: readonly ObjectHeader[]
  /** Why and where the object headers could not be told to the end. */
  readonly stop: WalkStop | undefined
  /** The octets behind the last of `headers`; empty without a stop. */
  readonly rest: Uint8Array
}

/** The application header alone, without a look at what follows; octets of the header in `length`. */
export interface ApplicationHeader extends Pick<Fragment, 'control' | 'function' | 'iin'> {
  readonly length: 2 | 4
}

/**
 * Decodes the header of a fragment. Throws {@link DecodeError} `decode.truncated` for fewer than 2 octets, for a response
 * fewer than 4.
 */
export function decodeApplicationHeader(fragment: Uint8Array): ApplicationHeader {
  if (fragment.length < 2) throw short(fragment, 2, 'applicationHeader')
  const code = fragment[1]!
  const control = decodeControl(fragment[0]!)
  if (functionOf(code)?.response !== true) return { control, function: code, iin: undefined, length: 2 }
  if (fragment.length < 4) throw short(fragment, 4, 'internalIndications')
  return { control, function: code, iin: (fragment[2]! << 8) | fragment[3]!, length: 4 }
}

function short(fragment: Uint8Array, needed: number, field: string): DecodeError {
  return new DecodeError('decode.truncated', fragment.length, field, `needs ${needed} bytes, has ${fragment.length}`)
}

/**
 * Decodes a fragment. Object headers are views of it. A fault among the objects does not lose those before it: see
 * `stop`. Throws {@link DecodeError} only where {@link decodeApplicationHeader} does.
 */
export function decodeFragment(fragment: Uint8Array): Fragment {
  const { control, function: code, iin, length } = decodeApplicationHeader(fragment)
  const { headers, stop, rest } = walkObjects(fragment, length, functionOf(code))
  return { control, function: code, iin, headers, stop, rest }
}

/** Encodes a fragment; of a decoded one, the octets it was decoded from. Throws `UsageError` `wire.range`. */
export function encodeFragment(
  fragment: Pick<Fragment, 'control' | 'function' | 'iin' | 'headers'> & Partial<Pick<Fragment, 'rest'>>,
): Uint8Array<ArrayBuffer> {
  const w = new Writer(256).u8(encodeControl(fragment.control)).u8(fragment.function)
  if (fragment.iin !== undefined) w.u16be(fragment.iin)
  for (const header of fragment.headers) writeHeader(w, header)
  if (fragment.rest !== undefined) w.bytes(fragment.rest)
  return w.finish()
}

function decodeControl(octet: number): ApplicationControl {
  return {
    first: (octet & 0x80) !== 0,
    final: (octet & 0x40) !== 0,
    confirm: (octet & 0x20) !== 0,
    unsolicited: (octet & 0x10) !== 0,
    sequence: octet & 0x0f,
  }
}

function encodeControl(control: ApplicationControl): number {
  const { first, final, confirm, unsolicited, sequence } = control
  return (first ? 0x80 : 0) | (final ? 0x40 : 0) | (confirm ? 0x20 : 0) | (unsolicited ? 0x10 : 0) | sequence
}
