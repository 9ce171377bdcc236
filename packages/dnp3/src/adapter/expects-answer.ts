import { segmentOf } from '../codec/frame-segment.ts'
import { functionOf } from '../codec/functions.ts'
import { isBroadcast } from '../codec/link-check.ts'
import { decodeLinkFrame } from '../codec/link-frame.ts'

/** Requests that no outstation answers (IEEE 1815 4.4), by name: a confirm, and those without acknowledgement. */
const UNANSWERED: ReadonlySet<string> = new Set([
  'CONFIRM',
  'DIRECT_OPERATE_NR',
  'IMMED_FREEZE_NR',
  'FREEZE_CLEAR_NR',
  'FREEZE_AT_TIME_NR',
  'AUTH_REQ_NO_ACK',
])

/** Whether an outstation answers a frame of a master: the first of a fragment that asks, or one of the link layer. */
export function expectsAnswer(bytes: Uint8Array): boolean {
  try {
    const frame = decodeLinkFrame(bytes)
    if (!frame.primary || isBroadcast(frame.destination)) return false
    const segment = segmentOf(frame)
    if (segment === undefined) return true
    const spec = segment.first ? functionOf(segment.data[1] ?? 0) : undefined
    return spec !== undefined && !spec.response && !UNANSWERED.has(spec.name)
  } catch {
    return false
  }
}
