/*
 * The outermost layer: type u8 || length u32 || body. Only `proof` and `record` follow the hellos, and only records the handshake.
 */

/** Frame types. */
export const FRAME: {
  readonly clientHello: 0x01
  readonly serverHello: 0x02
  readonly retryRequest: 0x03
  readonly proof: 0x04
  readonly record: 0x10
  readonly alert: 0x7f
} = { clientHello: 0x01, serverHello: 0x02, retryRequest: 0x03, proof: 0x04, record: 0x10, alert: 0x7f }

/** Bytes of type and length. */
export const FRAME_HEADER = 5

const TYPES: ReadonlySet<number> = new Set<number>(Object.values(FRAME))

/** Whether a frame of this type exists. */
export function isFrameType(type: number): boolean {
  return TYPES.has(type)
}

/** The name of a frame type for logs. */
export function frameName(type: number): string {
  const entry = Object.entries(FRAME).find(([, value]) => value === type)
  return entry === undefined ? `type 0x${type.toString(16).padStart(2, '0')}` : entry[0]
}

/** A frame around a body that is already whole (plain alerts; others are built in place). */
export function encodeFrame(type: number, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER + body.length)
  frame[0] = type
  writeU32(frame, 1, body.length)
  frame.set(body, FRAME_HEADER)
  return frame
}

/** Writes a big-endian u32; by hand, because a DataView per record costs more than the record's other fields. */
export function writeU32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24
  target[at + 1] = value >>> 16
  target[at + 2] = value >>> 8
  target[at + 3] = value
}

/** Reads a big-endian u32 at an offset that is known to be there. */
export function readU32(source: Uint8Array, at: number): number {
  return ((source[at]! << 24) | (source[at + 1]! << 16) | (source[at + 2]! << 8) | source[at + 3]!) >>> 0
}
