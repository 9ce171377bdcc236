import type { LinkFrame, LinkHeader } from './link-frame.ts'
import { linkFunctionOf } from './link-functions.ts'
import type { Segment } from './transport.ts'
import { decodeSegment } from './transport.ts'

/** The transport segment that a link frame brings, or undefined where it brings none. */
export function segmentOf(frame: LinkFrame): Segment | undefined {
  return carriesSegment(frame, frame.user.length) ? decodeSegment(frame.user) : undefined
}

/** Whether a frame with so many octets of user data brings a transport segment. */
export function carriesSegment(frame: LinkHeader, userLength: number): boolean {
  return userLength > 0 && linkFunctionOf(frame.primary, frame.function)?.userData === true
}

/** Who speaks to whom, as one exact number: DIR, source and destination. */
export function senderOf(frame: LinkHeader): number {
  return (frame.fromMaster ? 0x1_0000_0000 : 0) + frame.source * 0x1_0000 + frame.destination
}
