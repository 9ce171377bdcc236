import { performance } from 'node:perf_hooks'

/** A system clock that runs away from ours by more than this has been set, and is followed. */
const STEP_MS = 500

let anchor = Date.now() - performance.now()

/**
 * Nanoseconds since 1970-01-01 UTC, to the microsecond. Runs evenly between steps of the system clock, which it follows:
 * a gateway may boot in 1970 and learn the time later.
 */
export function wallClock(): bigint {
  let now = anchor + performance.now()
  const system = Date.now()
  if (Math.abs(system - now) > STEP_MS) {
    anchor = system - performance.now()
    now = system
  }
  return BigInt(Math.round(now * 1000)) * 1000n
}

/** Nanoseconds of a clock that never steps; its zero means nothing. */
export function monotonic(): bigint {
  return process.hrtime.bigint()
}
