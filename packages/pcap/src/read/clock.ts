import type { TextWriter } from '@gridseal/wire'
import type { Clock } from '../packet.ts'
import { nanosecondsText } from '../packet.ts'

const SECOND = 1_000_000_000n

/** Seconds and microseconds, as in a classic pcap record. */
export const secondsAndMicroseconds: Clock = {
  nanoseconds: (seconds, fraction) => BigInt(seconds) * SECOND + BigInt(fraction * 1000),
  write: (seconds, fraction, into) => writeDecimal(seconds * 1e6 + fraction, 1e6, into),
}

/** Seconds and nanoseconds, as in a pcap record under the nanosecond magic. */
export const secondsAndNanoseconds: Clock = {
  nanoseconds: (seconds, fraction) => BigInt(seconds) * SECOND + BigInt(fraction),
  write: (seconds, fraction, into) => {
    const whole = Math.floor(fraction / 1e9)
    writeSeconds(seconds + whole, fraction - whole * 1e9, into)
  },
}

/** For blocks that carry no time stamp. */
export const timeless: Clock = clockOf(() => 0n)

/**
 * The clock of a pcapng interface. `resolution` is the if_tsresol octet (negative power of ten, or of two when the top
 * bit is set; default 10^-6), `offset` the if_tsoffset option in seconds. Ticks finer than a nanosecond are cut off.
 */
export function interfaceClock(resolution = 6, offset = 0n): Clock {
  const shift = offset * SECOND
  if (resolution === 6 && offset === 0n) return microseconds
  if (resolution === 9 && offset === 0n) return nanoseconds
  if ((resolution & 0x80) !== 0) {
    const power = BigInt(resolution & 0x7f)
    return clockOf((high, low) => ((ticks(high, low) * SECOND) >> power) + shift)
  }
  if (resolution <= 9) {
    const factor = 10n ** BigInt(9 - resolution)
    return clockOf((high, low) => ticks(high, low) * factor + shift)
  }
  const divisor = 10n ** BigInt(resolution - 9)
  return clockOf((high, low) => ticks(high, low) / divisor + shift)
}

const microseconds: Clock = {
  nanoseconds: (high, low) => ticks(high, low) * 1000n,
  write: (high, low, into) => {
    const count = high * 2 ** 32 + low
    if (Number.isSafeInteger(count)) writeDecimal(count, 1e6, into)
    else into.text(nanosecondsText(ticks(high, low) * 1000n))
  },
}

const nanoseconds: Clock = {
  nanoseconds: ticks,
  write: (high, low, into) => {
    // Nanoseconds are too many for a number: the quotient may be one off, the rest is taken modulo 2^32, which it fits.
    let seconds = Math.floor((high * 2 ** 32 + low) / 1e9)
    let rest = (low - Math.imul(seconds, 1e9)) | 0
    if (rest < 0) {
      seconds--
      rest += 1e9
    } else if (rest >= 1e9) {
      seconds++
      rest -= 1e9
    }
    writeSeconds(seconds, rest, into)
  },
}

function clockOf(nanoseconds: Clock['nanoseconds']): Clock {
  return { nanoseconds, write: (high, low, into) => void into.text(nanosecondsText(nanoseconds(high, low))) }
}

function writeDecimal(count: number, perSecond: number, into: TextWriter): void {
  const seconds = Math.floor(count / perSecond)
  writeSeconds(seconds, (count - seconds * perSecond) * (1e9 / perSecond), into)
}

const POINT = 0x2e

function writeSeconds(seconds: number, nanoseconds: number, into: TextWriter): void {
  into
    .decimal(seconds)
    .octet(POINT)
    .digits(nanoseconds | 0, 9)
}

function ticks(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low)
}
