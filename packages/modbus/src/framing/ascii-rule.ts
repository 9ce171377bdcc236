import { asciiCodec } from '../codec/adu.ts'
import type { AduCodec, AsciiLine } from '../codec/adu.ts'
import { MAX_ASCII_ADU } from '../codec/limits.ts'
import type { FrameRule } from './stream-framer.ts'
import { NO_FRAME } from './stream-framer.ts'
import { DecodeError } from '@gridseal/wire'

const COLON = 0x3a

/** ASCII: from a colon to CR LF; a second colon starts anew (Serial Line 2.5.2.1). The LRC confirms it. */
export function asciiRule(line: Readonly<AsciiLine>): FrameRule {
  const codec = asciiCodec(line)
  return {
    maxLength: MAX_ASCII_ADU,
    measure: (bytes, start, end) => {
      const length = lineLength(bytes, start, end, line.delimiter)
      return length > 0 && !isSound(codec, bytes.subarray(start, start + length)) ? NO_FRAME : length
    },
    damaged: (bytes, start, end) => Math.max(0, lineLength(bytes, start, end, line.delimiter)),
    ended: () => 0,
  }
}

/** Length of the line at `start` with its delimiter; else as {@link FrameRule.measure}. */
function lineLength(bytes: Uint8Array, start: number, end: number, delimiter: number): number {
  if (bytes[start] !== COLON) return NO_FRAME
  const limit = Math.min(end, start + MAX_ASCII_ADU)
  for (let at = start + 1; at < limit; at++) {
    const character = bytes[at]
    if (character === delimiter) return at + 1 - start
    if (character === COLON) return NO_FRAME
  }
  return limit - start === MAX_ASCII_ADU ? NO_FRAME : -MAX_ASCII_ADU
}

function isSound(codec: AduCodec, frame: Uint8Array): boolean {
  try {
    codec.decode(frame)
    return true
  } catch (error) {
    if (error instanceof DecodeError) return false
    throw error
  }
}
