import { crc16Modbus } from '@gridseal/wire'
import type { Medium } from '@gridseal/adapter'
import { MAX_RTU_ADU, MIN_RTU_ADU } from '../codec/limits.ts'
import type { PduSide } from '../codec/pdu-codec.ts'
import { UNPREDICTABLE, predictPduLength } from '../codec/pdu-length.ts'
import type { FrameRule } from './stream-framer.ts'
import { NO_FRAME } from './stream-framer.ts'

/** Highest address of a device; 248 to 255 are reserved (Serial Line 2.2). */
const MAX_ADDRESS = 247
const DIAGNOSTICS = 8

/**
 * RTU: the function code and the sender's side tell the length, the CRC confirms it. Function codes whose length is not
 * known are framed by silence where there is silence (serial line, datagram), and on a stream by the first length whose
 * CRC fits. They are not looked for out of step: in noise, a length whose CRC fits is never far.
 */
export function rtuRule(side: PduSide, medium: Medium): FrameRule {
  const silence = medium !== 'stream'
  return {
    maxLength: MAX_RTU_ADU,
    measure: (bytes, start, end, hunting) => {
      if (hunting && bytes[start]! > MAX_ADDRESS) return NO_FRAME
      const predicted = predictPduLength(side, bytes, start + 1, end)
      if (predicted < 0) return 3 - predicted > MAX_RTU_ADU ? NO_FRAME : predicted - 1
      if (predicted !== UNPREDICTABLE) {
        const length = predicted + 3
        if (length > MAX_RTU_ADU) return NO_FRAME
        if (length > end - start) return -length
        if (crcFits(bytes, start, start + length)) return length
        // The echo of sub-function 0 is as long as what was sent.
        if (bytes[start + 1] !== DIAGNOSTICS || (bytes[start + 2]! | bytes[start + 3]!) !== 0) return NO_FRAME
      }
      if (hunting) return NO_FRAME
      const full = end - start >= MAX_RTU_ADU
      if (silence && !full) return -MAX_RTU_ADU
      const length = growing(bytes, start, end)
      return length > 0 ? length : full ? NO_FRAME : -MAX_RTU_ADU
    },
    damaged: (bytes, start, end) => {
      const predicted = predictPduLength(side, bytes, start + 1, end)
      if (predicted === UNPREDICTABLE && end - start >= MIN_RTU_ADU) return Math.min(end - start, MAX_RTU_ADU)
      const length = predicted + 3
      return predicted > 0 && length <= end - start ? length : 0
    },
    ended: (bytes, start, end) => {
      const predicted = predictPduLength(side, bytes, start + 1, end)
      if (predicted < 0 || (predicted > 0 && bytes[start + 1] !== DIAGNOSTICS)) return 0
      const length = end - start
      if (length >= MIN_RTU_ADU && length <= MAX_RTU_ADU && crcFits(bytes, start, end)) return length
      return growing(bytes, start, end)
    },
  }
}

function crcFits(bytes: Uint8Array, start: number, end: number): boolean {
  return crc16Modbus(bytes, start, end - 2) === (bytes[end - 2]! | (bytes[end - 1]! << 8))
}

/** The shortest frame at `start` whose CRC fits, or 0. */
function growing(bytes: Uint8Array, start: number, end: number): number {
  const longest = Math.min(end - start, MAX_RTU_ADU)
  for (let length = MIN_RTU_ADU; length <= longest; length++) {
    if (crcFits(bytes, start, start + length)) return length
  }
  return 0
}
