import { UsageError } from '@gridseal/wire'

/** Whether bit `index` of a packed field is set; the first bit is the least significant of the first byte. */
export function bitAt(packed: Uint8Array, index: number): boolean {
  return (((packed[index >> 3] ?? 0) >> (index & 7)) & 1) === 1
}

/** The first `quantity` bits of a packed field. Throws {@link UsageError} where the field holds fewer. */
export function unpackBits(packed: Uint8Array, quantity: number): boolean[] {
  if (quantity > packed.length * 8) {
    throw new UsageError('modbus.bits.range', `${packed.length} bytes hold fewer than ${quantity} bits`)
  }
  const bits: boolean[] = []
  for (let i = 0; i < quantity; i++) bits.push(bitAt(packed, i))
  return bits
}

/** Packs bits as they travel; the bits left over in the last byte are 0. */
export function packBits(bits: readonly boolean[]): Uint8Array<ArrayBuffer> {
  const packed = new Uint8Array(bytesForBits(bits.length))
  for (let i = 0; i < bits.length; i++) if (bits[i]) packed[i >> 3]! |= 1 << (i & 7)
  return packed
}

/** Bytes that `quantity` packed bits take. */
export function bytesForBits(quantity: number): number {
  return (quantity + 7) >> 3
}
