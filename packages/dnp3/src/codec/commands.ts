/** Parts of the control code of a command to a binary output (IEEE 1815 clause 11). */
export interface ControlCode {
  /** Bits 3-0: see {@link OPERATION_TYPES}. */
  readonly operation: number
  /** Bit 4, obsolete; must be 0. */
  readonly queue: boolean
  /** Bit 5: what is under way or queued is cancelled. */
  readonly clear: boolean
  /** Bits 7-6: see {@link TRIP_CLOSE}. */
  readonly tripClose: number
}

export const OPERATION_TYPES: readonly string[] = ['NUL', 'PULSE_ON', 'PULSE_OFF', 'LATCH_ON', 'LATCH_OFF']
export const TRIP_CLOSE: readonly string[] = ['NUL', 'CLOSE', 'TRIP', 'RESERVED']

export function decodeControlCode(octet: number): ControlCode {
  return {
    operation: octet & 0x0f,
    queue: (octet & 0x10) !== 0,
    clear: (octet & 0x20) !== 0,
    tripClose: octet >> 6,
  }
}

export function encodeControlCode(code: ControlCode): number {
  return (code.operation & 0x0f) | (code.queue ? 0x10 : 0) | (code.clear ? 0x20 : 0) | ((code.tripClose & 3) << 6)
}

/** Status codes of commands (IEEE 1815 clause 11) by number; those not listed are reserved. */
export const COMMAND_STATUS: Readonly<Record<number, string>> = {
  0: 'SUCCESS',
  1: 'TIMEOUT',
  2: 'NO_SELECT',
  3: 'FORMAT_ERROR',
  4: 'NOT_SUPPORTED',
  5: 'ALREADY_ACTIVE',
  6: 'HARDWARE_ERROR',
  7: 'LOCAL',
  8: 'TOO_MANY_OPS',
  9: 'NOT_AUTHORIZED',
  10: 'AUTOMATION_INHIBIT',
  11: 'PROCESSING_LIMITED',
  12: 'OUT_OF_RANGE',
  13: 'DOWNSTREAM_LOCAL',
  14: 'ALREADY_COMPLETE',
  15: 'BLOCKED',
  16: 'CANCELLED',
  17: 'BLOCKED_OTHER_MASTER',
  18: 'DOWNSTREAM_FAIL',
  126: 'NON_PARTICIPATING',
  127: 'UNDEFINED',
}
