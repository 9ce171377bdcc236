import type { Direction, Operation } from '@gridseal/adapter'
import type { Framing } from '../codec/adu.ts'
import { diagnosticOf, functionOf } from '../codec/functions.ts'
import type { FunctionSpec } from '../codec/functions.ts'
import type { Request } from '../codec/pdu.ts'
import { rangeName } from '../codec/reference.ts'
import { dissect, sound } from './dissect.ts'

/** What a frame does. Whatever breaks the standard, however little, is `unknown`: policy judges only what is clear. */
export function operationOf(frame: Uint8Array, direction: Direction, framing: Framing): Operation {
  const dissection = dissect(frame, direction, framing)
  if (dissection.adu === undefined) return UNKNOWN
  const target = `unit ${dissection.adu.unit}`
  if (direction === 'to-master') {
    return sound(dissection, direction) === undefined
      ? { ...UNKNOWN, target }
      : { kind: 'response', critical: false, target }
  }
  const request = sound(dissection, direction)
  if (request === undefined || request.kind === 'other') return { ...UNKNOWN, target }
  const { operation, critical } = effectOf(request)
  const place = placeOf(request)
  return { kind: operation, critical, target: place === '' ? target : `${target} ${place}` }
}

const UNKNOWN: Operation = { kind: 'unknown', critical: true }

function effectOf(request: Exclude<Request, { kind: 'other' }>): Pick<FunctionSpec, 'operation' | 'critical'> {
  if (request.kind !== 'diagnostics') return functionOf(request.kind)
  return diagnosticOf(request.subFunction) ?? { operation: 'unknown', critical: true }
}

/** What a request acts on, e.g. `hr/40001..40010`; of function 23, the range written and the range read. */
function placeOf(request: Request): string {
  switch (request.kind) {
    case 'readCoils':
    case 'readDiscreteInputs':
    case 'readHoldingRegisters':
    case 'readInputRegisters':
    case 'writeMultipleCoils':
    case 'writeMultipleRegisters':
      return rangeName(functionOf(request.kind).table!, request.address, request.quantity)
    case 'writeSingleCoil':
    case 'writeSingleRegister':
    case 'maskWriteRegister':
    case 'readFifoQueue':
      return rangeName(functionOf(request.kind).table!, request.address, 1)
    case 'readWriteMultipleRegisters': {
      const written = rangeName('hr', request.writeAddress, request.writeQuantity)
      return `${written}, ${rangeName('hr', request.readAddress, request.readQuantity)}`
    }
    case 'readFileRecord':
      return request.groups.map((group) => fileName(group.file, group.record, group.length)).join(', ')
    case 'writeFileRecord':
      return request.groups.map((group) => fileName(group.file, group.record, group.data.length / 2)).join(', ')
    case 'diagnostics':
      return `diagnostics/${request.subFunction}`
    case 'encapsulatedInterface':
      return `mei/${request.meiType}`
    case 'readDeviceIdentification':
      return 'device-identification'
    case 'readExceptionStatus':
      return 'exception-status'
    case 'getCommEventCounter':
    case 'getCommEventLog':
      return 'comm-events'
    case 'reportServerId':
      return 'server-id'
    case 'other':
      return ''
  }
}

function fileName(file: number, record: number, length: number): string {
  return length > 1 ? `file/${file}/${record}..${record + length - 1}` : `file/${file}/${record}`
}
