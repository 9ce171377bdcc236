import type { LinkFrame, LinkHeader } from './link-frame.ts'
import { linkFunctionOf } from './link-functions.ts'

/** Destinations that all outstations take as their own (IEEE 1815 clause 9): confirm optional, mandatory, none. */
export const BROADCAST: readonly number[] = [0xffff, 0xfffe, 0xfffd]
/** Destination by which an outstation can be reached whatever its own address is. */
export const SELF_ADDRESS = 0xfffc

const FIRST_RESERVED = 0xfff0

/** Why a receiver must discard a frame whose check sums are right. */
export type LinkViolation =
  /** The function code is reserved or withdrawn. */
  | 'function'
  /** FCV does not go with the function, or a secondary frame has bit 5 set. */
  | 'fcv'
  /** User data where the function carries none, or none where it must. */
  | 'length'
  /** Sent to a reserved address. */
  | 'destination'
  /** Sent from a broadcast, self or reserved address. */
  | 'source'
  /** Broadcast with a function other than user data. */
  | 'broadcast-function'
  /** DIR is that of the receiver's own role. */
  | 'direction'

/**
 * The first rule of the link layer that a frame breaks, or undefined. Without `receiver`, only the rules that hold for
 * both roles.
 */
export function checkLinkFrame(frame: LinkFrame, receiver?: 'master' | 'outstation'): LinkViolation | undefined {
  return checkLinkHeader(frame, frame.user.length, receiver)
}

/** The same from the header and the number of user data octets. */
export function checkLinkHeader(
  frame: LinkHeader,
  userLength: number,
  receiver?: 'master' | 'outstation',
): LinkViolation | undefined {
  const spec = linkFunctionOf(frame.primary, frame.function)
  if (spec === undefined || spec.obsolete) return 'function'
  if (frame.primary ? frame.countValidOrBusy !== (spec.fcv === 1) : frame.frameCount) return 'fcv'
  if (spec.userData !== userLength > 0) return 'length'
  const { destination, source } = frame
  if (destination >= FIRST_RESERVED && destination < SELF_ADDRESS) return 'destination'
  if (source >= FIRST_RESERVED) return 'source'
  if (isBroadcast(destination) && !spec.userData) return 'broadcast-function'
  if (receiver !== undefined && frame.fromMaster === (receiver === 'master')) return 'direction'
  return undefined
}

export function isBroadcast(address: number): boolean {
  return address > SELF_ADDRESS
}
