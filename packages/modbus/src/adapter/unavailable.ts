import { DecodeError } from '@gridseal/wire'
import type { Framing } from '../codec/adu.ts'
import { ADU_CODECS } from '../codec/adu.ts'
import { encodeException } from '../codec/pdu-codec.ts'

/** Exceptions of gateways (Application Protocol V1.1b3, 7): no path to the device, or no answer from it. */
const GATEWAY_PATH_UNAVAILABLE = 0x0a
const GATEWAY_TARGET_FAILED = 0x0b
const BROADCAST = 0

/**
 * What a gateway answers to a request whose device it cannot reach: an exception response. Undefined where nobody
 * answers: to a broadcast on a serial line, and to what is no request.
 */
export function unavailable(request: Uint8Array, cause: 'path' | 'device', framing: Framing): Uint8Array | undefined {
  try {
    const { transaction, unit, pdu } = ADU_CODECS[framing].decode(request)
    const [functionCode] = pdu
    if (functionCode === undefined || functionCode >= 0x80) return undefined
    if (framing !== 'tcp' && unit === BROADCAST) return undefined
    const exception = cause === 'path' ? GATEWAY_PATH_UNAVAILABLE : GATEWAY_TARGET_FAILED
    return ADU_CODECS[framing].encode({ transaction, unit, pdu: encodeException(functionCode, exception) })
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
