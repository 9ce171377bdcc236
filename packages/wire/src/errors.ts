/**
 * The error families of the suite. Every error carries a stable `code` such as `decode.truncated`, for programs, and
 * structured `details`, for logs. Whose fault it is decides the family, and the families never mix:
 *
 * - the peer's: {@link DecodeError}, {@link AuthError}, {@link ProtocolError}. Expected, counted, handled.
 * - the caller's: {@link UsageError}. Thrown at the call.
 * - ours: {@link InternalError}. A bug.
 *
 * What a remote peer is told stays generic; `message` and `details` are for the operator.
 */
export type ErrorDetails = Readonly<Record<string, unknown>>

/** Base of all errors thrown by Gridseal packages. */
export abstract class GridsealError extends Error {
  /** Stable, dot-separated identifier: `family.reason` or `package.subject.reason`. */
  readonly code: string
  readonly details: ErrorDetails

  constructor(code: string, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
    this.name = new.target.name
  }
}

/** Bytes from outside are not what the format says. The only error that decoders throw. */
export class DecodeError extends GridsealError {
  /** Byte offset of the offending field, from the start of the buffer given to the decoder. */
  readonly offset: number
  /** The field's name in the standard's words, e.g. `byteCount`. */
  readonly field: string

  constructor(
    code: string,
    offset: number,
    field: string,
    message?: string,
    details: ErrorDetails = {},
    cause?: unknown,
  ) {
    // No stack: it would cost more than all decoding, and a hostile peer can ask for a million a second.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(code, `${message ?? code} (${field} at offset ${offset})`, { ...details, offset, field }, cause)
    Error.stackTraceLimit = stackTraceLimit
    this.offset = offset
    this.field = field
  }
}

/** A signature, MAC, certificate or identity was refused. */
export class AuthError extends GridsealError {}

/** A well-formed message that the protocol does not allow here and now. */
export class ProtocolError extends GridsealError {}

/** The caller passed something that cannot be right, or called at the wrong time. */
export class UsageError extends GridsealError {}

/** An invariant of our own broke. */
export class InternalError extends GridsealError {}

/** The exact reason for the operator's log: code and message of any thrown value. */
export function describeError(error: unknown): string {
  if (error instanceof GridsealError) return `${error.code}: ${error.message}`
  return error instanceof Error ? error.message : String(error)
}
