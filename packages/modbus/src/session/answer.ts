import { bytesForBits } from '../codec/bits.ts'
import { toHex } from '@gridseal/wire'
import { encodeRequest, encodeResponse, functionCodeOf } from '../codec/pdu-codec.ts'
import type { Diagnostics, ExceptionResponse, ReadFileRecordRequest, Request, Response } from '../codec/pdu.ts'

/**
 * Why a response cannot be the answer to a request, or undefined where it can: byte counts must be those of the
 * quantities asked for, echoes must be exact. Exceptions answer anything.
 */
export function mismatch(request: Request, response: Exclude<Response, ExceptionResponse>): string | undefined {
  if (request.kind !== response.kind || functionCodeOf(request) !== functionCodeOf(response)) {
    return `function ${functionCodeOf(response)} answers function ${functionCodeOf(request)}`
  }
  switch (response.kind) {
    case 'readCoils':
    case 'readDiscreteInputs': {
      const { quantity } = request as { quantity: number }
      return unequal('bytes', response.bits.length, bytesForBits(quantity))
    }
    case 'readHoldingRegisters':
    case 'readInputRegisters': {
      const { quantity } = request as { quantity: number }
      return unequal('registers', response.values.length, quantity)
    }
    case 'readWriteMultipleRegisters': {
      const { readQuantity } = request as { readQuantity: number }
      return unequal('registers', response.values.length, readQuantity)
    }
    case 'writeSingleCoil':
    case 'writeSingleRegister':
    case 'maskWriteRegister':
    case 'writeMultipleCoils':
    case 'writeMultipleRegisters':
      return notAnEcho(request, response)
    case 'diagnostics':
      return otherDiagnostics(request as Diagnostics, response)
    case 'writeFileRecord':
      return toHex(encodeRequest(request)) === toHex(encodeResponse(response)) ? undefined : 'records are not echoed'
    case 'readFileRecord': {
      const { groups } = request as ReadFileRecordRequest
      if (groups.length !== response.groups.length) return unequal('records', response.groups.length, groups.length)
      const at = groups.findIndex(({ length }, i) => response.groups[i]!.length !== 2 * length)
      return at < 0 ? undefined : unequal('bytes of a record', response.groups[at]!.length, 2 * groups[at]!.length)
    }
    default:
      return undefined
  }
}

function unequal(what: string, got: number, wanted: number): string | undefined {
  return got === wanted ? undefined : `${got} ${what} where ${wanted} were asked for`
}

/** The sub-function comes back, and with 0 the data, which is what it is for (6.8.1). */
function otherDiagnostics(request: Diagnostics, { subFunction, data }: Diagnostics): string | undefined {
  if (subFunction !== request.subFunction) return `sub-function ${subFunction} answers ${request.subFunction}`
  const same = subFunction !== 0 || toHex(data) === toHex(request.data)
  return same ? undefined : `data ${toHex(data)} echoes ${toHex(request.data)}`
}

/** Every number that the response repeats must be the request's. */
function notAnEcho(request: object, response: object): string | undefined {
  for (const [name, value] of Object.entries(response)) {
    const asked: unknown = Reflect.get(request, name)
    if (asked !== value) return `${name} ${String(value)} echoes ${String(asked)}`
  }
  return undefined
}
