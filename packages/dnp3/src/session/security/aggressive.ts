import { AGGRESSIVE_REQUEST } from '../../codec/security-objects.ts'
import type { AggressiveRequest } from '../../codec/security-objects.ts'

// A request in aggressive mode: its own g120v3 (qualifier 07, count 1) behind the application header, its MAC (g120v9,
// qualifier 5B, count 1) at the end. How the MAC's input is made up is not confirmed by any recording: the last challenge
// as it was sent, then the request up to and including the header of g120v9.

/** Application header of a request, header and object of g120v3. */
const HEADER = 2
const REQUEST_OCTETS = 4 + AGGRESSIVE_REQUEST.min
/** Group, variation, qualifier, count, size. */
const MAC_HEADER = 6

/** A request taken apart. */
export interface AggressiveParts {
  readonly request: AggressiveRequest
  /** Everything that the MAC is over, its own header included. */
  readonly authenticated: Uint8Array
  readonly mac: Uint8Array
  /** The request as it would be without authentication. */
  readonly plain: Uint8Array
}

/** Whether a request begins as one in aggressive mode does. */
export function isAggressive(fragment: Uint8Array): boolean {
  return fragment[HEADER] === 120 && fragment[HEADER + 1] === 3
}

/** Takes a request apart; undefined if it is not whole, or its MAC is not at its very end. */
export function splitAggressive(fragment: Uint8Array, macLength: number): AggressiveParts | undefined {
  const macAt = fragment.length - macLength - MAC_HEADER
  const bodyAt = HEADER + REQUEST_OCTETS
  if (macAt < bodyAt || fragment[HEADER + 2] !== 0x07 || fragment[HEADER + 3] !== 1) return undefined
  const [group, variation, qualifier, count, low, high] = fragment.subarray(macAt)
  if (group !== 120 || variation !== 9 || qualifier !== 0x5b || count !== 1) return undefined
  if ((low! | (high! << 8)) !== macLength) return undefined
  return {
    request: AGGRESSIVE_REQUEST.decode(fragment.subarray(HEADER + 4, bodyAt)),
    authenticated: fragment.subarray(0, macAt + MAC_HEADER),
    mac: fragment.subarray(macAt + MAC_HEADER),
    plain: Buffer.concat([fragment.subarray(0, HEADER), fragment.subarray(bodyAt, macAt)]),
  }
}

/** A request with g120v3 and the header of g120v9; the MAC is to be put behind it. */
export function beginAggressive(plain: Uint8Array, request: AggressiveRequest, macLength: number): Uint8Array {
  const first = [120, 3, 0x07, 1]
  const last = [120, 9, 0x5b, 1, macLength & 0xff, macLength >> 8]
  return Buffer.concat([
    plain.subarray(0, HEADER),
    new Uint8Array(first),
    AGGRESSIVE_REQUEST.encode(request),
    plain.subarray(HEADER),
    new Uint8Array(last),
  ])
}
