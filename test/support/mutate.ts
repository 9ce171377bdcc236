/**
 * The mutations of one golden frame that every decoder must survive: truncated at each length, each byte flipped
 * (all bits, lowest bit, highest bit), and every byte, pair and quad at the extremes a length field can take. `opaque`
 * are ranges (first offset, and the one behind the last) of octets without structure at this level, such as a signature:
 * of these each is flipped, and that is all, since none of them is a length here.
 */
export function* mutations(
  golden: Uint8Array,
  ...opaque: readonly (readonly [from: number, to: number])[]
): Generator<Uint8Array> {
  // A plain copy: slicing a Buffer would share its memory.
  const frame = new Uint8Array(golden)
  for (let length = 0; length < frame.length; length++) yield frame.slice(0, length)
  for (let at = 0; at < frame.length; at++) {
    if (opaque.some(([from, to]) => at >= from && at < to)) {
      yield replaced(frame, at, [frame[at]! ^ (1 << (at % 8))])
      continue
    }
    for (const mask of [0xff, 0x01, 0x80]) yield replaced(frame, at, [frame[at]! ^ mask])
    for (const extreme of EXTREMES) {
      if (at + extreme.length <= frame.length) yield replaced(frame, at, extreme)
    }
  }
  yield new Uint8Array([...frame, ...frame])
  yield new Uint8Array([...frame, 0])
}

const EXTREMES: readonly (readonly number[])[] = [
  [0x00],
  [0xff],
  [0x00, 0x00],
  [0xff, 0xff],
  [0x7f, 0xff],
  [0x00, 0x00, 0x00, 0x00],
  [0xff, 0xff, 0xff, 0xff],
  [0x7f, 0xff, 0xff, 0xff],
]

function replaced(frame: Uint8Array, at: number, bytes: readonly number[]): Uint8Array {
  const copy = frame.slice()
  copy.set(bytes, at)
  return copy
}
