import type { Clock } from '../packet.ts'

const SECOND = 1_000_000_000n

/** Seconds and microseconds, as in a classic pcap record. */
export const secondsAndMicroseconds: Clock = {
  nanoseconds: (seconds, fraction) => BigInt(seconds) * SECOND + BigInt(fraction * 1000),
}

/** Seconds and nanoseconds, as in a pcap record under the nanosecond magic. */
export const secondsAndNanoseconds: Clock = {
  nanoseconds: (seconds, fraction) => BigInt(seconds) * SECOND + BigInt(fraction),
}

/** For blocks that carry no time stamp. */
export const timeless: Clock = { nanoseconds: () => 0n }

/**
 * The clock of a pcapng interface. `resolution` is the if_tsresol octet (negative power of ten, or of two when the top
 * bit is set; default 10^-6), `offset` the if_tsoffset option in seconds. Ticks finer than a nanosecond are cut off.
 */
export function interfaceClock(resolution = 6, offset = 0n): Clock {
  const shift = offset * SECOND
  if (resolution === 6 && offset === 0n) return microseconds
  if (resolution === 9 && offset === 0n) return { nanoseconds: ticks }
  if ((resolution & 0x80) !== 0) {
    const power = BigInt(resolution & 0x7f)
    return { nanoseconds: (high, low) => ((ticks(high, low) * SECOND) >> power) + shift }
  }
  if (resolution <= 9) {
    const factor = 10n ** BigInt(9 - resolution)
    return { nanoseconds: (high, low) => ticks(high, low) * factor + shift }
  }
  const divisor = 10n ** BigInt(resolution - 9)
  return { nanoseconds: (high, low) => ticks(high, low) / divisor + shift }
}

const microseconds: Clock = { nanoseconds: (high, low) => ticks(high, low) * 1000n }

function ticks(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low)
}
