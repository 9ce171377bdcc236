/**
 * The values of all public PDUs. Which layout a PDU has is decided by its function code and by the side that sent it:
 * the same bytes mean one thing from a client and another from a server, so there are two unions.
 *
 * Addresses are those of the wire: 0-based. Bits stay packed as they travel (first bit = least significant of the first
 * byte); `bits.ts` unpacks them. Byte fields are views of the decoded buffer.
 */
export interface ReadRequest {
  readonly kind: 'readCoils' | 'readDiscreteInputs' | 'readHoldingRegisters' | 'readInputRegisters'
  readonly address: number
  readonly quantity: number
}

export interface ReadBitsResponse {
  readonly kind: 'readCoils' | 'readDiscreteInputs'
  /** Packed; the request alone knows how many are meant. */
  readonly bits: Uint8Array
}

export interface ReadWordsResponse {
  readonly kind: 'readHoldingRegisters' | 'readInputRegisters' | 'readWriteMultipleRegisters'
  readonly values: readonly number[]
}

/** Request and its echo. */
export interface WriteSingleCoil {
  readonly kind: 'writeSingleCoil'
  readonly address: number
  readonly on: boolean
}

/** Request and its echo. */
export interface WriteSingleRegister {
  readonly kind: 'writeSingleRegister'
  readonly address: number
  readonly value: number
}

/** Requests that carry nothing but the function code. */
export interface BareRequest {
  readonly kind: 'readExceptionStatus' | 'getCommEventCounter' | 'getCommEventLog' | 'reportServerId'
}

export interface ReadExceptionStatusResponse {
  readonly kind: 'readExceptionStatus'
  /** Eight exception status outputs, one a bit. */
  readonly status: number
}

/** Request and response. Two bytes of data, except for sub-function 0, which echoes any. */
export interface Diagnostics {
  readonly kind: 'diagnostics'
  readonly subFunction: number
  readonly data: Uint8Array
}

export interface GetCommEventCounterResponse {
  readonly kind: 'getCommEventCounter'
  /** FFFF while a program command is under way, else 0. */
  readonly status: number
  readonly eventCount: number
}

export interface GetCommEventLogResponse {
  readonly kind: 'getCommEventLog'
  readonly status: number
  readonly eventCount: number
  readonly messageCount: number
  /** Up to 64, the newest first. */
  readonly events: Uint8Array
}

export interface WriteMultipleCoilsRequest {
  readonly kind: 'writeMultipleCoils'
  readonly address: number
  readonly quantity: number
  readonly bits: Uint8Array
}

export interface WriteMultipleRegistersRequest {
  readonly kind: 'writeMultipleRegisters'
  readonly address: number
  readonly quantity: number
  readonly values: readonly number[]
}

export interface WriteMultipleResponse {
  readonly kind: 'writeMultipleCoils' | 'writeMultipleRegisters'
  readonly address: number
  readonly quantity: number
}

export interface ReportServerIdResponse {
  readonly kind: 'reportServerId'
  /** Server id, run indicator and additional data; how long the id is, the device decides. */
  readonly data: Uint8Array
}

export interface FileRange {
  readonly file: number
  readonly record: number
  /** Registers. */
  readonly length: number
}

export interface ReadFileRecordRequest {
  readonly kind: 'readFileRecord'
  readonly groups: readonly FileRange[]
}

export interface ReadFileRecordResponse {
  readonly kind: 'readFileRecord'
  /** Record data of each group, two bytes a register. */
  readonly groups: readonly Uint8Array[]
}

export interface FileRecord {
  readonly file: number
  readonly record: number
  /** Two bytes a register. */
  readonly data: Uint8Array
}

/** Request and its echo. */
export interface WriteFileRecord {
  readonly kind: 'writeFileRecord'
  readonly groups: readonly FileRecord[]
}

/** Request and its echo: new value = (old AND `and`) OR (`or` AND NOT `and`). */
export interface MaskWriteRegister {
  readonly kind: 'maskWriteRegister'
  readonly address: number
  readonly and: number
  readonly or: number
}

/** The write happens before the read. */
export interface ReadWriteMultipleRegistersRequest {
  readonly kind: 'readWriteMultipleRegisters'
  readonly readAddress: number
  readonly readQuantity: number
  readonly writeAddress: number
  readonly writeQuantity: number
  readonly values: readonly number[]
}

export interface ReadFifoQueueRequest {
  readonly kind: 'readFifoQueue'
  /** The register that holds the queue's count. */
  readonly address: number
}

export interface ReadFifoQueueResponse {
  readonly kind: 'readFifoQueue'
  readonly values: readonly number[]
}

/** Request and response of MEI types other than 14, CANopen (13) among them: the data passes through. */
export interface EncapsulatedInterface {
  readonly kind: 'encapsulatedInterface'
  readonly meiType: number
  readonly data: Uint8Array
}

export interface ReadDeviceIdentificationRequest {
  readonly kind: 'readDeviceIdentification'
  /** 1 basic, 2 regular, 3 extended, 4 one object. */
  readonly code: number
  readonly objectId: number
}

export interface DeviceObject {
  readonly id: number
  readonly value: Uint8Array
}

export interface ReadDeviceIdentificationResponse {
  readonly kind: 'readDeviceIdentification'
  readonly code: number
  /** 1 to 3 as the code, bit 7 set where single objects can be read. */
  readonly conformity: number
  readonly more: boolean
  /** First object of the next answer, where there is more. */
  readonly nextObjectId: number
  readonly objects: readonly DeviceObject[]
}

/** A function code that is not public: user-defined, reserved or out of range. */
export interface OtherPdu {
  readonly kind: 'other'
  readonly function: number
  readonly data: Uint8Array
}

export interface ExceptionResponse {
  readonly kind: 'exception'
  /** Without the exception bit. */
  readonly function: number
  /** See `EXCEPTIONS`. */
  readonly exception: number
}

export type Request =
  | ReadRequest
  | WriteSingleCoil
  | WriteSingleRegister
  | BareRequest
  | Diagnostics
  | WriteMultipleCoilsRequest
  | WriteMultipleRegistersRequest
  | ReadFileRecordRequest
  | WriteFileRecord
  | MaskWriteRegister
  | ReadWriteMultipleRegistersRequest
  | ReadFifoQueueRequest
  | EncapsulatedInterface
  | ReadDeviceIdentificationRequest
  | OtherPdu

export type Response =
  | ReadBitsResponse
  | ReadWordsResponse
  | WriteSingleCoil
  | WriteSingleRegister
  | ReadExceptionStatusResponse
  | Diagnostics
  | GetCommEventCounterResponse
  | GetCommEventLogResponse
  | WriteMultipleResponse
  | ReportServerIdResponse
  | ReadFileRecordResponse
  | WriteFileRecord
  | MaskWriteRegister
  | ReadFifoQueueResponse
  | EncapsulatedInterface
  | ReadDeviceIdentificationResponse
  | OtherPdu
  | ExceptionResponse
