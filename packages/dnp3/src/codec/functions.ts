import type { OperationKind } from '@gridseal/adapter'

/** What follows the object headers of a function (IEEE 1815 clause 4, object table). */
export type ObjectUse =
  /** No object headers at all. */
  | 'none'
  /** Headers name objects; indexes and size-prefixed objects apart, no data follow. */
  | 'headers'
  /** Variation 0 names objects, other variations bring theirs. */
  | 'by-variation'
  /** Objects follow their headers. */
  | 'data'

/** One application function. */
export interface FunctionSpec {
  readonly code: number
  readonly name: string
  readonly objects: ObjectUse
  /** Sent by outstations, with internal indications. */
  readonly response: boolean
  /** What it does, for policy; what READ and WRITE do depends on their objects, too. */
  readonly operation: OperationKind
  /** Moves equipment, changes settings or data, or stops the outstation from answering or reporting. */
  readonly critical: boolean
}

const request = (
  code: number,
  name: string,
  objects: ObjectUse,
  operation: OperationKind,
  critical: boolean,
): FunctionSpec => ({ code, name, objects, operation, critical, response: false })

const response = (code: number, name: string, operation: OperationKind): FunctionSpec => ({
  code,
  name,
  objects: 'data',
  operation,
  critical: false,
  response: true,
})

/** The application functions (IEEE 1815 clause 4). CONFIRM belongs to reading: without it no event is ever delivered. */
export const FUNCTIONS: readonly FunctionSpec[] = [
  request(0, 'CONFIRM', 'none', 'read', false),
  request(1, 'READ', 'headers', 'read', false),
  request(2, 'WRITE', 'data', 'write', true),
  request(3, 'SELECT', 'data', 'control', true),
  request(4, 'OPERATE', 'data', 'control', true),
  request(5, 'DIRECT_OPERATE', 'data', 'control', true),
  request(6, 'DIRECT_OPERATE_NR', 'data', 'control', true),
  request(7, 'IMMED_FREEZE', 'headers', 'manage', false),
  request(8, 'IMMED_FREEZE_NR', 'headers', 'manage', false),
  request(9, 'FREEZE_CLEAR', 'headers', 'manage', true),
  request(10, 'FREEZE_CLEAR_NR', 'headers', 'manage', true),
  request(11, 'FREEZE_AT_TIME', 'by-variation', 'manage', true),
  request(12, 'FREEZE_AT_TIME_NR', 'by-variation', 'manage', true),
  request(13, 'COLD_RESTART', 'none', 'manage', true),
  request(14, 'WARM_RESTART', 'none', 'manage', true),
  request(15, 'INITIALIZE_DATA', 'none', 'manage', true),
  request(16, 'INITIALIZE_APPL', 'data', 'manage', true),
  request(17, 'START_APPL', 'data', 'manage', true),
  request(18, 'STOP_APPL', 'data', 'manage', true),
  request(19, 'SAVE_CONFIG', 'none', 'manage', true),
  request(20, 'ENABLE_UNSOLICITED', 'headers', 'manage', true),
  request(21, 'DISABLE_UNSOLICITED', 'headers', 'manage', true),
  request(22, 'ASSIGN_CLASS', 'headers', 'manage', true),
  request(23, 'DELAY_MEASURE', 'none', 'time', false),
  request(24, 'RECORD_CURRENT_TIME', 'none', 'time', false),
  request(25, 'OPEN_FILE', 'data', 'file', true),
  request(26, 'CLOSE_FILE', 'data', 'file', true),
  request(27, 'DELETE_FILE', 'data', 'file', true),
  request(28, 'GET_FILE_INFO', 'data', 'file', false),
  request(29, 'AUTHENTICATE_FILE', 'data', 'file', false),
  request(30, 'ABORT_FILE', 'data', 'file', true),
  request(31, 'ACTIVATE_CONFIG', 'data', 'manage', true),
  request(32, 'AUTHENTICATE_REQ', 'data', 'auth', true),
  request(33, 'AUTH_REQ_NO_ACK', 'data', 'auth', false),
  response(129, 'RESPONSE', 'response'),
  response(130, 'UNSOLICITED_RESPONSE', 'event'),
  response(131, 'AUTHENTICATE_RESP', 'auth'),
]

const BY_CODE: readonly (FunctionSpec | undefined)[] = Array.from({ length: 256 }, (_, code) =>
  FUNCTIONS.find((row) => row.code === code),
)

/** The function of a code, or undefined for a reserved one. */
export function functionOf(code: number): FunctionSpec | undefined {
  return BY_CODE[code]
}
