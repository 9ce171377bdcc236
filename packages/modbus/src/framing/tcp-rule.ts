import { EXCEPTION_BIT } from '../codec/functions.ts'
import { MAX_MBAP_LENGTH, MAX_TCP_ADU, MBAP_HEADER, MIN_MBAP_LENGTH } from '../codec/limits.ts'
import type { PduSide } from '../codec/pdu-codec.ts'
import { UNPREDICTABLE, predictPduLength } from '../codec/pdu-length.ts'
import type { FrameRule } from './stream-framer.ts'
import { NO_FRAME } from './stream-framer.ts'

/** Bytes up to and with the length field. */
const LENGTH_END = 6

/**
 * MBAP: protocol identifier 0, length 2 to 254. In step, the header alone decides; out of step, the length must also be
 * the one that the function code calls for, because register contents are full of what looks like headers.
 */
export function tcpRule(side: PduSide): FrameRule {
  return {
    maxLength: MAX_TCP_ADU,
    measure: (bytes, start, end, hunting) => {
      const available = end - start
      if (available < LENGTH_END) {
        return available >= 4 && (bytes[start + 2]! | bytes[start + 3]!) !== 0 ? NO_FRAME : -LENGTH_END
      }
      const length = headerLength(bytes, start)
      if (length === NO_FRAME) return NO_FRAME
      const total = LENGTH_END + length
      if (hunting) {
        const doubt = doubtful(side, bytes, start, end, total)
        if (doubt !== SURE) return doubt
      }
      return total <= available ? total : -total
    },
    damaged: () => 0,
    ended: () => 0,
  }
}

/** Nothing speaks against a frame at this place. */
const SURE = 1

/** {@link SURE}, {@link NO_FRAME}, or -n: n bytes are needed to tell. */
function doubtful(side: PduSide, bytes: Uint8Array, start: number, end: number, total: number): number {
  const predicted = predictPduLength(side, bytes, start + MBAP_HEADER, end)
  const length = total - MBAP_HEADER
  if (predicted < 0) return -predicted > length ? NO_FRAME : predicted - MBAP_HEADER
  if (predicted !== UNPREDICTABLE) return predicted === length ? SURE : NO_FRAME
  const code = bytes[start + MBAP_HEADER]!
  if (code === 0 || code >= EXCEPTION_BIT) return NO_FRAME
  // Its length proves nothing: what comes behind it must be a header too, or nothing yet.
  const next = start + total
  if (end === next) return SURE
  if (end < next + LENGTH_END) return -(total + LENGTH_END)
  return headerLength(bytes, next) === NO_FRAME ? NO_FRAME : SURE
}

/** Value of the length field of a header, or {@link NO_FRAME} for one that cannot be. */
function headerLength(bytes: Uint8Array, start: number): number {
  if ((bytes[start + 2]! | bytes[start + 3]!) !== 0) return NO_FRAME
  const length = (bytes[start + 4]! << 8) | bytes[start + 5]!
  return length < MIN_MBAP_LENGTH || length > MAX_MBAP_LENGTH ? NO_FRAME : length
}
