import { DecodeError, UsageError, Writer } from '@gridseal/wire'
import type { FieldValues } from './fields.ts'
import { EXCEPTION_BIT, functionByCode, functionOf } from './functions.ts'
import type { FunctionSpec } from './functions.ts'
import type { Layout } from './layouts.ts'
import { REQUEST_LAYOUTS, RESPONSE_LAYOUTS } from './layouts.ts'
import { MAX_PDU } from './limits.ts'
import { PduReader } from './pdu-reader.ts'
import type { Request, Response } from './pdu.ts'

/** Which side sent a PDU: it decides the layout. */
export type PduSide = 'request' | 'response'

/**
 * Decodes the PDU of a request, strictly: every limit of the standard is checked. Functions that are not public come
 * back as `other`. Throws {@link DecodeError} with the offset in the PDU.
 */
export function decodeRequest(pdu: Uint8Array): Request {
  return decode(new PduReader(pdu, 0, pdu.length, true), 'request') as unknown as Request
}

/** Decodes the PDU of a response, strictly; see {@link decodeRequest}. */
export function decodeResponse(pdu: Uint8Array): Response {
  return decode(new PduReader(pdu, 0, pdu.length, true), 'response') as unknown as Response
}

/** What can be said about a PDU that may be wrong. */
export interface Examination {
  /** The fields up to where it breaks; a whole {@link Request} or {@link Response} where nothing is wrong. */
  readonly values: Readonly<FieldValues> & { readonly kind?: string }
  /** It ends before its fields do. */
  readonly malformed: DecodeError | undefined
  /** It can be read, but the standard forbids it: quantity 0, bytes left over and the like. */
  readonly violation: DecodeError | undefined
}

/** Decodes `bytes[start..end)` as far as it goes. Never throws for what is in the bytes; offsets count from 0. */
export function examinePdu(bytes: Uint8Array, start: number, end: number, side: PduSide): Examination {
  const reader = new PduReader(bytes, start, end, false)
  const values: FieldValues = {}
  try {
    decode(reader, side, values)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return { values, malformed: error, violation: reader.violation }
  }
  return { values, malformed: undefined, violation: reader.violation }
}

/** Encodes a request. Throws {@link UsageError} for values the standard does not allow. */
export function encodeRequest(request: Request): Uint8Array<ArrayBuffer> {
  return encode(request, REQUEST_LAYOUTS)
}

/** Encodes a response. Throws {@link UsageError} for values the standard does not allow. */
export function encodeResponse(response: Response): Uint8Array<ArrayBuffer> {
  if ((response.kind === 'exception' || response.kind === 'other') && response.function >= EXCEPTION_BIT) {
    throw new UsageError('modbus.pdu.function', `function ${response.function} has the exception bit`)
  }
  if (response.kind !== 'exception') return encode(response, RESPONSE_LAYOUTS)
  return encodeException(response.function, response.exception)
}

/** An exception response: two bytes. */
export function encodeException(functionCode: number, exception: number): Uint8Array<ArrayBuffer> {
  return new Writer(2)
    .u8(functionCode | EXCEPTION_BIT)
    .u8(exception)
    .finish()
}

/** Function code of a request or response, without the exception bit. */
export function functionCodeOf(pdu: Request | Response): number {
  return pdu.kind === 'other' || pdu.kind === 'exception' ? pdu.function : functionOf(pdu.kind).code
}

function decode(r: PduReader, side: PduSide, values: FieldValues = {}): FieldValues {
  const start = r.offset
  const length = r.remaining
  const code = r.u8('function')
  if (side === 'response' && code >= EXCEPTION_BIT) {
    values['kind'] = 'exception'
    values['function'] = code ^ EXCEPTION_BIT
    values['exception'] = r.u8('exception')
  } else {
    const spec = specOf(code, r)
    if (spec === undefined) {
      values['kind'] = 'other'
      values['function'] = code
      values['data'] = r.rest()
    } else {
      values['kind'] = spec.kind
      const layouts = side === 'request' ? REQUEST_LAYOUTS : RESPONSE_LAYOUTS
      readFields(r, layouts[spec.kind], values)
    }
  }
  r.finish()
  if (length > MAX_PDU)
    r.refuse('modbus.pdu.length', 'pdu', r.offset - start, `${length} bytes are more than ${MAX_PDU}`)
  return values
}

function specOf(code: number, r: PduReader): FunctionSpec | undefined {
  return functionByCode(code, r.atEnd ? undefined : r.peek('meiType'))
}

function readFields(r: PduReader, fields: Layout, values: FieldValues): void {
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!
    const value = field.read(r, values)
    if (field.name !== undefined) values[field.name] = value
  }
}

function encode(
  pdu: Exclude<Request | Response, { kind: 'exception' }>,
  layouts: Record<string, Layout>,
): Uint8Array<ArrayBuffer> {
  const w = new Writer(16)
  if (pdu.kind === 'other') {
    if (functionByCode(pdu.function) !== undefined) {
      throw new UsageError('modbus.pdu.function', `function ${pdu.function} is public: use its kind`)
    }
    w.u8(pdu.function).bytes(pdu.data)
  } else {
    w.u8(functionOf(pdu.kind).code)
    const values = pdu as unknown as FieldValues
    for (const field of layouts[pdu.kind]!) field.write(w, field.name && values[field.name], values)
  }
  if (w.length > MAX_PDU) throw new UsageError('modbus.pdu.length', `${w.length} bytes are more than ${MAX_PDU}`)
  return w.finish()
}
