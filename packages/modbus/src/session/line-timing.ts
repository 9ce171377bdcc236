import { UsageError } from '@gridseal/wire'

/** Bits of one character on a serial line: start, 8 data, parity or second stop, stop. */
const CHARACTER_BITS = 11
/** Above 19200 baud the silences are fixed (Serial Line 2.5.1.1). */
const FIXED_T35 = 1.75

/** The silence that ends an RTU frame, in milliseconds. */
export function silenceBetweenFrames(baud: number): number {
  if (!(baud > 0)) throw new UsageError('modbus.line.baud', `${baud} is no baud rate`)
  return baud > 19_200 ? FIXED_T35 : (3.5 * CHARACTER_BITS * 1000) / baud
}
