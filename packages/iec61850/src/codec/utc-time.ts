import { UsageError } from '@gridseal/wire'

/** A point in time as IEC 61850-8-1 8.1.3.6 has it: eight octets. */
export interface UtcTime {
  /** Seconds since 1970-01-01 UTC, 32 bits. */
  readonly seconds: number
  /** Fraction of a second in units of 2^-24 s, 24 bits. */
  readonly fraction: number
  /** The octet of time quality, see {@link timeQualityOf}. */
  readonly quality: number
}

/** What the octet of time quality says (IEC 61850-7-2 6.1.2.9.3). */
export interface TimeQuality {
  readonly leapSecondsKnown: boolean
  readonly clockFailure: boolean
  readonly clockNotSynchronized: boolean
  /** Bits of the fraction that count, 0 to 24; undefined where the sender does not say (31) or nothing sensible. */
  readonly accuracy: number | undefined
}

const UNSPECIFIED = 31
const MOST_ACCURATE = 24
const NANOSECONDS = 1_000_000_000n

export function timeQualityOf(octet: number): TimeQuality {
  const accuracy = octet & 0x1f
  return {
    leapSecondsKnown: (octet & 0x80) !== 0,
    clockFailure: (octet & 0x40) !== 0,
    clockNotSynchronized: (octet & 0x20) !== 0,
    accuracy: accuracy > MOST_ACCURATE ? undefined : accuracy,
  }
}

/** The octet of a time quality. */
export function timeQualityOctet(quality: TimeQuality): number {
  return (
    (quality.leapSecondsKnown ? 0x80 : 0) |
    (quality.clockFailure ? 0x40 : 0) |
    (quality.clockNotSynchronized ? 0x20 : 0) |
    (quality.accuracy ?? UNSPECIFIED)
  )
}

/** Eight octets. */
export function decodeUtcTime(octets: Uint8Array): UtcTime {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, quality = 0] = octets
  return { seconds: ((a << 24) | (b << 16) | (c << 8) | d) >>> 0, fraction: (e << 16) | (f << 8) | g, quality }
}

/** Throws `UsageError` `iec61850.time` for parts that do not fit. */
export function encodeUtcTime({ seconds, fraction, quality }: UtcTime): Uint8Array {
  const fits = (value: number, bits: number): boolean => Number.isInteger(value) && value >= 0 && value < 2 ** bits
  if (!fits(seconds, 32) || !fits(fraction, 24) || !fits(quality, 8)) {
    throw new UsageError('iec61850.time', 'a UTC time has 32 bits of seconds, 24 of fraction and 8 of quality')
  }
  return Uint8Array.of(
    seconds >>> 24,
    (seconds >>> 16) & 0xff,
    (seconds >>> 8) & 0xff,
    seconds & 0xff,
    fraction >> 16,
    (fraction >> 8) & 0xff,
    fraction & 0xff,
    quality,
  )
}

/** Nanoseconds since 1970-01-01 UTC, rounded down. */
export function utcNanoseconds({ seconds, fraction }: Pick<UtcTime, 'seconds' | 'fraction'>): bigint {
  return BigInt(seconds) * NANOSECONDS + ((BigInt(fraction) * NANOSECONDS) >> 24n)
}

/** The UTC time of nanoseconds since 1970-01-01 UTC. Throws `UsageError` `iec61850.time` outside 1970 to 2106. */
export function utcTimeOf(nanoseconds: bigint, quality: number): UtcTime {
  const seconds = Number(nanoseconds / NANOSECONDS)
  if (nanoseconds < 0n || seconds >= 2 ** 32) throw new UsageError('iec61850.time', `${nanoseconds} ns is no UTC time`)
  // Rounded up, so that what is read back is never before what was written and equal where it was read from a UTC time.
  const part = nanoseconds % NANOSECONDS
  const fraction = Number(((part << 24n) + NANOSECONDS - 1n) / NANOSECONDS)
  return { seconds, fraction: Math.min(fraction, 0xff_ffff), quality }
}

/** `2008-07-24T14:25:05.140625000Z`. */
export function utcText(time: Pick<UtcTime, 'seconds' | 'fraction'>): string {
  const nanoseconds = (BigInt(time.fraction) * NANOSECONDS) >> 24n
  const date = new Date(time.seconds * 1000).toISOString().slice(0, 19)
  return `${date}.${nanoseconds.toString().padStart(9, '0')}Z`
}
