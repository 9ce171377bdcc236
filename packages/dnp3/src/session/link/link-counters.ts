import type { LinkViolation } from '../../codec/link-check.ts'
import type { TransportViolation } from '../reassembly.ts'

/** What a station's link and transport layers have seen. They only grow. */
export interface LinkCounters {
  /** Link frames received with right check sums, for this station or not. */
  framesIn: number
  /** Link frames sent. */
  framesOut: number
  /** Whole fragments delivered to the application. */
  fragmentsIn: number
  /** Fragments sent. */
  fragmentsOut: number
  /** Frames that break a rule of the link layer, by rule. */
  readonly violations: Partial<Record<LinkViolation, number>>
  /** Frames from a station that is not the peer. */
  foreignSource: number
  /** Confirmed user data and tests before RESET_LINK_STATES: ignored. */
  notReset: number
  /** Confirmed user data with the frame count bit of the last frame: acknowledged again, not delivered again. */
  repeated: number
  /** Segments that did not go on with a fragment, by reason. */
  readonly transport: Partial<Record<TransportViolation, number>>
  /** Confirmed frames sent again because no acknowledgement came. */
  retries: number
  /** Confirmed frames given up, with the fragment they belong to. */
  failures: number
  /** NACKs received. */
  nacks: number
  /** Keep-alives sent, and those that nobody answered. */
  keepAlives: number
  keepAliveFailures: number
}

export function newLinkCounters(): LinkCounters {
  return {
    framesIn: 0,
    framesOut: 0,
    fragmentsIn: 0,
    fragmentsOut: 0,
    violations: {},
    foreignSource: 0,
    notReset: 0,
    repeated: 0,
    transport: {},
    retries: 0,
    failures: 0,
    nacks: 0,
    keepAlives: 0,
    keepAliveFailures: 0,
  }
}

/** Adds one to a counter of a reason. */
export function count<K extends string>(counters: Partial<Record<K, number>>, reason: K): void {
  counters[reason] = (counters[reason] ?? 0) + 1
}
