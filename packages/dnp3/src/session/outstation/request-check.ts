import { decodeApplicationHeader } from '../../codec/application.ts'
import type { ApplicationControl, Fragment } from '../../codec/application.ts'
import { NO_FUNC_CODE_SUPPORT, OBJECT_UNKNOWN, PARAMETER_ERROR } from './context.ts'

const CONFIRM = 0
const RESPONSE = 129
const AUTHENTICATE_RESP = 131

/** The control octet of what an outstation takes: a request in one fragment, or a confirmation. */
export function requestControl(fragment: Uint8Array): ApplicationControl | undefined {
  if (fragment[1]! >= RESPONSE && fragment[1]! <= AUTHENTICATE_RESP) return undefined
  const { control, function: code } = decodeApplicationHeader(fragment)
  const { first, final, confirm, unsolicited } = control
  if (!first || !final || confirm || (unsolicited && code !== CONFIRM)) return undefined
  return control
}

/** The error bit for a request whose objects cannot be told. */
export function requestError({ stop, headers }: Fragment, maxHeaders: number): number {
  if (headers.length > maxHeaders) return PARAMETER_ERROR
  if (stop === undefined) return 0
  if (stop.code === 'dnp3.function.unknown') return NO_FUNC_CODE_SUPPORT
  return stop.code === 'dnp3.object.unknown' ? OBJECT_UNKNOWN : PARAMETER_ERROR
}
