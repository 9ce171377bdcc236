import { DecodeError, Reader, UsageError, Writer } from '@gridseal/wire'
import type { SampleQuality } from '../quality.ts'
import { encodeSampleQuality, sampleQualityOf } from '../quality.ts'

/** One channel of the data set PhsMeas1 (9-2LE): what it is called, and what a step of its integer is worth. */
export interface SampleChannel {
  readonly name: string
  readonly unit: 'A' | 'V'
  /** Value of one step: 1 mA, 10 mV. */
  readonly scale: number
}

/** The eight channels of PhsMeas1 in their order. */
export const PHS_MEAS_1: readonly SampleChannel[] = [
  { name: 'IaTCTR1', unit: 'A', scale: 0.001 },
  { name: 'IbTCTR2', unit: 'A', scale: 0.001 },
  { name: 'IcTCTR3', unit: 'A', scale: 0.001 },
  { name: 'InTCTR4', unit: 'A', scale: 0.001 },
  { name: 'UaTVTR1', unit: 'V', scale: 0.01 },
  { name: 'UbTVTR2', unit: 'V', scale: 0.01 },
  { name: 'UcTVTR3', unit: 'V', scale: 0.01 },
  { name: 'UnTVTR4', unit: 'V', scale: 0.01 },
]

/** One measured value: INT32 and 32 bits of quality. */
export interface SampledValue {
  /** In steps of the channel's scale. */
  readonly steps: number
  readonly quality: SampleQuality
}

/** Octets of one value with its quality, and of a sample of 9-2LE. */
const VALUE_OCTETS = 8
export const PHS_MEAS_1_OCTETS: number = PHS_MEAS_1.length * VALUE_OCTETS

/** The values of a sample whose data set is of pairs INT32 and quality. Throws `DecodeError` for another length. */
export function decodeSample(sample: Uint8Array): SampledValue[] {
  if (sample.length % VALUE_OCTETS !== 0) {
    throw new DecodeError('decode.length', 0, 'sample', `${sample.length} octets are no pairs of value and quality`)
  }
  const r = new Reader(sample)
  const values: SampledValue[] = []
  while (!r.atEnd) values.push({ steps: r.i32be('value'), quality: sampleQualityOf(r.u32be('quality')) })
  return values
}

/** Throws `UsageError` for steps that are no 32-bit integer. */
export function encodeSample(values: readonly SampledValue[]): Uint8Array {
  const w = new Writer(values.length * VALUE_OCTETS)
  for (const { steps, quality } of values) {
    if ((steps | 0) !== steps) throw new UsageError('iec61850.sample', `${steps} is no 32-bit integer`)
    w.i32be(steps).u32be(encodeSampleQuality(quality))
  }
  return w.finish()
}
