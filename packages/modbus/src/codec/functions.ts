import type { OperationKind } from '@gridseal/adapter'

/** Data tables of a device: coils, discrete inputs, input registers, holding registers. */
export type TableName = 'co' | 'di' | 'ir' | 'hr'

/** What a request or normal response is; the discriminant of the unions in `pdu.ts`. */
export type FunctionKind =
  | 'readCoils'
  | 'readDiscreteInputs'
  | 'readHoldingRegisters'
  | 'readInputRegisters'
  | 'writeSingleCoil'
  | 'writeSingleRegister'
  | 'readExceptionStatus'
  | 'diagnostics'
  | 'getCommEventCounter'
  | 'getCommEventLog'
  | 'writeMultipleCoils'
  | 'writeMultipleRegisters'
  | 'reportServerId'
  | 'readFileRecord'
  | 'writeFileRecord'
  | 'maskWriteRegister'
  | 'readWriteMultipleRegisters'
  | 'readFifoQueue'
  | 'encapsulatedInterface'
  | 'readDeviceIdentification'

export interface FunctionSpec {
  readonly code: number
  readonly kind: FunctionKind
  /** The standard's name. */
  readonly name: string
  /** Clause of the Modbus Application Protocol V1.1b3. */
  readonly clause: string
  /** What it does to the device; function 8 depends on the sub-function instead. */
  readonly operation: OperationKind
  readonly critical: boolean
  /** The table it acts on, where it acts on one. */
  readonly table?: TableName
}

const f = (
  code: number,
  kind: FunctionKind,
  name: string,
  clause: string,
  operation: OperationKind,
  critical: boolean,
  table?: TableName,
): FunctionSpec => ({ code, kind, name, clause, operation, critical, ...(table && { table }) })

/** The public function codes (5.1), in order of code. */
export const FUNCTIONS: readonly FunctionSpec[] = [
  f(0x01, 'readCoils', 'Read Coils', '6.1', 'read', false, 'co'),
  f(0x02, 'readDiscreteInputs', 'Read Discrete Inputs', '6.2', 'read', false, 'di'),
  f(0x03, 'readHoldingRegisters', 'Read Holding Registers', '6.3', 'read', false, 'hr'),
  f(0x04, 'readInputRegisters', 'Read Input Registers', '6.4', 'read', false, 'ir'),
  f(0x05, 'writeSingleCoil', 'Write Single Coil', '6.5', 'control', true, 'co'),
  f(0x06, 'writeSingleRegister', 'Write Single Register', '6.6', 'write', true, 'hr'),
  f(0x07, 'readExceptionStatus', 'Read Exception Status', '6.7', 'read', false),
  f(0x08, 'diagnostics', 'Diagnostics', '6.8', 'manage', true),
  f(0x0b, 'getCommEventCounter', 'Get Comm Event Counter', '6.9', 'read', false),
  f(0x0c, 'getCommEventLog', 'Get Comm Event Log', '6.10', 'read', false),
  f(0x0f, 'writeMultipleCoils', 'Write Multiple Coils', '6.11', 'control', true, 'co'),
  f(0x10, 'writeMultipleRegisters', 'Write Multiple Registers', '6.12', 'write', true, 'hr'),
  f(0x11, 'reportServerId', 'Report Server ID', '6.13', 'read', false),
  f(0x14, 'readFileRecord', 'Read File Record', '6.14', 'file', false),
  f(0x15, 'writeFileRecord', 'Write File Record', '6.15', 'file', true),
  f(0x16, 'maskWriteRegister', 'Mask Write Register', '6.16', 'write', true, 'hr'),
  f(0x17, 'readWriteMultipleRegisters', 'Read/Write Multiple Registers', '6.17', 'write', true, 'hr'),
  // Reading the queue does not take values out of it.
  f(0x18, 'readFifoQueue', 'Read FIFO Queue', '6.18', 'read', false, 'hr'),
  // CANopen SDOs and vendors' own interfaces: what they do is not ours to judge.
  f(0x2b, 'encapsulatedInterface', 'Encapsulated Interface Transport', '6.19', 'unknown', true),
  f(0x2b, 'readDeviceIdentification', 'Read Device Identification', '6.21', 'read', false),
]

/** MODBUS Encapsulated Interface types (6.19). */
export const MEI_CANOPEN = 0x0d
export const MEI_DEVICE_IDENTIFICATION = 0x0e
export const ENCAPSULATED_INTERFACE = 0x2b

const BY_KIND = new Map(FUNCTIONS.map((spec) => [spec.kind, spec]))
const BY_CODE: readonly (FunctionSpec | undefined)[] = Array.from({ length: 256 }, (_, code) =>
  FUNCTIONS.find((spec) => spec.code === code),
)
const DEVICE_IDENTIFICATION = FUNCTIONS.find((spec) => spec.kind === 'readDeviceIdentification')

/** The row of a kind. */
export function functionOf(kind: FunctionKind): FunctionSpec {
  return BY_KIND.get(kind)!
}

/** The row of a function code; for 43 the MEI type (second byte of the PDU) decides. Undefined: not public. */
export function functionByCode(code: number, meiType?: number): FunctionSpec | undefined {
  const spec = BY_CODE[code]
  return code === ENCAPSULATED_INTERFACE && meiType === MEI_DEVICE_IDENTIFICATION ? DEVICE_IDENTIFICATION : spec
}

export interface SubFunctionSpec {
  readonly code: number
  readonly name: string
  readonly operation: OperationKind
  readonly critical: boolean
}

const sub = (code: number, name: string, operation: OperationKind, critical: boolean): SubFunctionSpec => ({
  code,
  name,
  operation,
  critical,
})

/** Sub-functions of function 8 (6.8.1). */
export const DIAGNOSTICS: readonly SubFunctionSpec[] = [
  sub(0x00, 'Return Query Data', 'read', false),
  sub(0x01, 'Restart Communications Option', 'manage', true),
  sub(0x02, 'Return Diagnostic Register', 'read', false),
  sub(0x03, 'Change ASCII Input Delimiter', 'manage', true),
  // The device answers nobody until it is restarted.
  sub(0x04, 'Force Listen Only Mode', 'manage', true),
  sub(0x0a, 'Clear Counters and Diagnostic Register', 'manage', false),
  sub(0x0b, 'Return Bus Message Count', 'read', false),
  sub(0x0c, 'Return Bus Communication Error Count', 'read', false),
  sub(0x0d, 'Return Bus Exception Error Count', 'read', false),
  sub(0x0e, 'Return Server Message Count', 'read', false),
  sub(0x0f, 'Return Server No Response Count', 'read', false),
  sub(0x10, 'Return Server NAK Count', 'read', false),
  sub(0x11, 'Return Server Busy Count', 'read', false),
  sub(0x12, 'Return Bus Character Overrun Count', 'read', false),
  sub(0x14, 'Clear Overrun Counter and Flag', 'manage', false),
]

const DIAGNOSTICS_BY_CODE = new Map(DIAGNOSTICS.map((spec) => [spec.code, spec]))

/** The row of a sub-function of function 8. */
export function diagnosticOf(subFunction: number): SubFunctionSpec | undefined {
  return DIAGNOSTICS_BY_CODE.get(subFunction)
}

/** Exception codes (7). */
export const EXCEPTIONS: Readonly<Record<number, string>> = {
  0x01: 'Illegal Function',
  0x02: 'Illegal Data Address',
  0x03: 'Illegal Data Value',
  0x04: 'Server Device Failure',
  0x05: 'Acknowledge',
  0x06: 'Server Device Busy',
  0x07: 'Negative Acknowledge',
  0x08: 'Memory Parity Error',
  0x0a: 'Gateway Path Unavailable',
  0x0b: 'Gateway Target Device Failed to Respond',
}

/** Set in the function code of an exception response. */
export const EXCEPTION_BIT = 0x80
