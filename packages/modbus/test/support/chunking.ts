import fc from 'fast-check'
import type { Framer } from '@gridseal/adapter'
import { toHex } from '@gridseal/wire'

/** All of `parts` in one. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

/** `bytes` in pieces of `size`. */
export function pieces(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.slice(i * size, (i + 1) * size))
}

/** `bytes` cut at the given places. */
export function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return cuts.slice(1).map((end, i) => bytes.slice(cuts[i], end))
}

/** Places to cut at. */
export const places: fc.Arbitrary<number[]> = fc.array(fc.nat(0xffff), { maxLength: 40 })

/** Everything a framer makes of the chunks, as hex; with `silence`, the line is quiet in the end. */
export function framed(framer: Framer, chunks: readonly Uint8Array[], silence = false): string[] {
  const frames = chunks.flatMap((chunk) => framer.push(chunk))
  if (silence) frames.push(...framer.quiet())
  return frames.map((frame) => toHex(frame))
}

/** Hex without spaces, lower case. */
export function hex(text: string): string {
  return text.replaceAll(' ', '').toLowerCase()
}
