import { DecodeError, UsageError, allocate } from '@gridseal/wire'

/** Octets of a fragment in one segment (IEEE 1815 clause 8): 250 octets of user data less the transport octet. */
export const MAX_SEGMENT = 249

/** One transport segment. */
export interface Segment {
  /** FIR: the first of its fragment. */
  readonly first: boolean
  /** FIN: the last of its fragment. */
  readonly final: boolean
  /** 0..63, runs on from fragment to fragment. */
  readonly sequence: number
  readonly data: Uint8Array
}

/** Decodes the user data of a link frame; `data` is a view. Throws {@link DecodeError} `decode.truncated`. */
export function decodeSegment(user: Uint8Array): Segment {
  if (user.length === 0) throw new DecodeError('decode.truncated', 0, 'transport', 'no transport octet')
  const octet = user[0]!
  return {
    first: (octet & 0x40) !== 0,
    final: (octet & 0x80) !== 0,
    sequence: octet & 0x3f,
    data: user.subarray(1),
  }
}

/** The user data of one segment. Throws {@link UsageError} `dnp3.transport.segment` for what does not fit. */
export function encodeSegment(segment: Segment): Uint8Array<ArrayBuffer> {
  const { data, sequence } = segment
  if (data.length > MAX_SEGMENT || !Number.isInteger(sequence) || sequence < 0 || sequence > 63) {
    throw new UsageError('dnp3.transport.segment', `no segment: sequence ${sequence}, ${data.length} octets`)
  }
  const user = allocate(1 + data.length)
  user[0] = (segment.final ? 0x80 : 0) | (segment.first ? 0x40 : 0) | sequence
  user.set(data, 1)
  return user
}

/**
 * Splits a fragment into the user data of link frames: all segments full but the last. The next fragment goes on with
 * sequence `firstSequence` + the number of segments, modulo 64. An empty fragment throws {@link UsageError}
 * `dnp3.transport.empty`.
 */
export function segmentFragment(fragment: Uint8Array, firstSequence: number): Uint8Array[] {
  if (fragment.length === 0) throw new UsageError('dnp3.transport.empty', 'a fragment has at least one octet')
  const segments: Uint8Array[] = []
  for (let at = 0; at < fragment.length; at += MAX_SEGMENT) {
    segments.push(
      encodeSegment({
        first: at === 0,
        final: at + MAX_SEGMENT >= fragment.length,
        sequence: (firstSequence + segments.length) & 0x3f,
        data: fragment.subarray(at, at + MAX_SEGMENT),
      }),
    )
  }
  return segments
}
