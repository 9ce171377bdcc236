/** Status codes of commands by name (IEEE 1815 clause 11); COMMAND_STATUS has the names by code. */
export const COMMAND: Readonly<
  Record<
    | 'SUCCESS'
    | 'TIMEOUT'
    | 'NO_SELECT'
    | 'FORMAT_ERROR'
    | 'NOT_SUPPORTED'
    | 'ALREADY_ACTIVE'
    | 'HARDWARE_ERROR'
    | 'LOCAL'
    | 'TOO_MANY_OPS'
    | 'NOT_AUTHORIZED'
    | 'AUTOMATION_INHIBIT'
    | 'PROCESSING_LIMITED'
    | 'OUT_OF_RANGE'
    | 'BLOCKED',
    number
  >
> = {
  SUCCESS: 0,
  TIMEOUT: 1,
  NO_SELECT: 2,
  FORMAT_ERROR: 3,
  NOT_SUPPORTED: 4,
  ALREADY_ACTIVE: 5,
  HARDWARE_ERROR: 6,
  LOCAL: 7,
  TOO_MANY_OPS: 8,
  NOT_AUTHORIZED: 9,
  AUTOMATION_INHIBIT: 10,
  PROCESSING_LIMITED: 11,
  OUT_OF_RANGE: 12,
  BLOCKED: 15,
}
