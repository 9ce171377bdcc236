import type { LinkFrame } from './link-frame.ts'
import { linkFunctionOf } from './link-functions.ts'
import type { Segment } from './transport.ts'
import { decodeSegment } from './transport.ts'

/** The transport segment that a link frame brings, or undefined where it brings none. */
export function segmentOf(frame: LinkFrame): Segment | undefined {
  const carries = linkFunctionOf(frame.primary, frame.function)?.userData === true
  return carries && frame.user.length > 0 ? decodeSegment(frame.user) : undefined
}

/** Who speaks to whom, as one exact number: DIR, source and destination. */
export function senderOf(frame: LinkFrame): number {
  return (frame.fromMaster ? 0x1_0000_0000 : 0) + frame.source * 0x1_0000 + frame.destination
}
