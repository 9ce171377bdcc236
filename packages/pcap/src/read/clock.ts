import type { Clock } from '../packet.ts'
import { nanosecondsText } from '../packet.ts'

const SECOND = 1_000_000_000n

/** Seconds and microseconds, as in a classic pcap record. */
export const secondsAndMicroseconds: Clock = {
  nanoseconds: (seconds, fraction) => BigInt(seconds) * SECOND + BigInt(fraction * 1000),
  text: (seconds, fraction) => decimal(seconds * 1e6 + fraction, 1e6),
}

/** Seconds and nanoseconds, as in a pcap record under the nanosecond magic. */
export const secondsAndNanoseconds: Clock = {
  nanoseconds: (seconds, fraction) => BigInt(seconds) * SECOND + BigInt(fraction),
  text: (seconds, fraction) => {
    const whole = Math.floor(fraction / 1e9)
    return `${seconds + whole}.${nineDigits(fraction - whole * 1e9)}`
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
  if (resolution === 9 && offset === 0n) return new NanosecondClock()
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
  text: (high, low) => {
    const count = high * 2 ** 32 + low
    return Number.isSafeInteger(count) ? decimal(count, 1e6) : nanosecondsText(ticks(high, low) * 1000n)
  },
}

/** Nanoseconds are too many for a number: those since the second that was asked for last are not. */
class NanosecondClock implements Clock {
  #second = ''
  #high = 0
  #low = 0

  nanoseconds(high: number, low: number): bigint {
    return ticks(high, low)
  }

  text(high: number, low: number): string {
    const since = (high - this.#high) * 2 ** 32 + (low - this.#low)
    if (this.#second !== '' && since >= 0 && since < 1e9) return `${this.#second}.${nineDigits(since)}`
    const time = ticks(high, low)
    const begin = time - (time % SECOND)
    this.#second = String(begin / SECOND)
    this.#high = Number(begin >> 32n)
    this.#low = Number(begin & 0xffff_ffffn)
    return `${this.#second}.${nineDigits(Number(time - begin))}`
  }
}

function clockOf(nanoseconds: Clock['nanoseconds']): Clock {
  return { nanoseconds, text: (high, low) => nanosecondsText(nanoseconds(high, low)) }
}

function decimal(count: number, perSecond: number): string {
  const seconds = Math.floor(count / perSecond)
  return `${seconds}.${nineDigits((count - seconds * perSecond) * (1e9 / perSecond))}`
}

const THREE_DIGITS: readonly string[] = Array.from({ length: 1000 }, (_, count) => String(count).padStart(3, '0'))

/** From a table: to print a number of ten digits takes several times as long. */
function nineDigits(nanoseconds: number): string {
  const micro = Math.floor(nanoseconds / 1000)
  const milli = Math.floor(micro / 1000)
  return THREE_DIGITS[milli]! + THREE_DIGITS[micro - milli * 1000]! + THREE_DIGITS[nanoseconds - micro * 1000]!
}

function ticks(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low)
}
