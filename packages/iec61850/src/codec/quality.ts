import type { BitString } from '@gridseal/wire'
import { bitOf } from './bits.ts'

export const VALIDITIES = ['good', 'invalid', 'reserved', 'questionable'] as const
export type Validity = (typeof VALIDITIES)[number]

/** Details of a quality, in the order of their bits from bit 2 on (IEC 61850-7-3 6.2.1). */
export const QUALITY_FLAGS = [
  'overflow',
  'outOfRange',
  'badReference',
  'oscillatory',
  'failure',
  'oldData',
  'inconsistent',
  'inaccurate',
  'substituted',
  'test',
  'operatorBlocked',
] as const
export type QualityFlag = (typeof QUALITY_FLAGS)[number]

export interface Quality {
  readonly validity: Validity
  readonly flags: readonly QualityFlag[]
}

/** Bits of a quality in GOOSE and MMS (IEC 61850-8-1 8.1.3.8). */
export const QUALITY_BITS = 13

/** A quality from a bit string of 13 bits, in which bit 0 comes first. */
export function qualityOf(bits: BitString): Quality {
  const validity = VALIDITIES[(bitOf(bits, 0) ? 2 : 0) + (bitOf(bits, 1) ? 1 : 0)]!
  return { validity, flags: QUALITY_FLAGS.filter((_, i) => bitOf(bits, i + 2)) }
}

export function encodeQuality({ validity, flags }: Quality): BitString {
  const bytes = new Uint8Array(2)
  bytes[0]! |= VALIDITIES.indexOf(validity) << 6
  for (const flag of flags) {
    const bit = QUALITY_FLAGS.indexOf(flag) + 2
    bytes[bit >> 3]! |= 0x80 >> (bit & 7)
  }
  return { bytes, unusedBits: 16 - QUALITY_BITS }
}

/** In the 32 bits of a sampled value (9-2LE) bit n has the value 2^n. */
const SAMPLE_VALIDITIES: readonly Validity[] = ['good', 'reserved', 'invalid', 'questionable']
const DERIVED = 1 << 13

/** A sampled value's quality; `derived`: computed, not measured (9-2LE). */
export interface SampleQuality extends Quality {
  readonly derived: boolean
}

export function sampleQualityOf(word: number): SampleQuality {
  const flags = QUALITY_FLAGS.filter((_, i) => (word & (1 << (i + 2))) !== 0)
  return { validity: SAMPLE_VALIDITIES[word & 3]!, flags, derived: (word & DERIVED) !== 0 }
}

export function encodeSampleQuality({ validity, flags, derived }: SampleQuality): number {
  const word = SAMPLE_VALIDITIES.indexOf(validity) | (derived ? DERIVED : 0)
  return flags.reduce((sum, flag) => sum | (1 << (QUALITY_FLAGS.indexOf(flag) + 2)), word)
}
