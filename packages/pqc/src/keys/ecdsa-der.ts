import { BER, BerReader, BerWriter, DecodeError } from '@gridseal/wire'

/*
 * ECDSA signatures: r || s with fixed lengths (RFC 9053 2.1) and ECDSA-Sig-Value in DER (RFC 3279 2.2.3), which X.509
 * and composite signatures use.
 */

/** ECDSA-Sig-Value of r || s. */
export function ecdsaToDer(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2
  return new BerWriter(raw.length + 16)
    .constructed(BER.SEQUENCE, (w) => {
      w.contents(BER.INTEGER, unsigned(raw.subarray(0, half)))
      w.contents(BER.INTEGER, unsigned(raw.subarray(half)))
    })
    .finish()
}

/** r || s, each of `half` bytes, of an ECDSA-Sig-Value; undefined if it is not exactly one in DER. */
export function ecdsaFromDer(der: Uint8Array, half: number): Uint8Array | undefined {
  try {
    const outer = BerReader.of(der, { der: true })
    const signature = outer.enter(BER.SEQUENCE, 'ECDSA-Sig-Value')
    outer.expectEnd('ECDSA-Sig-Value')
    const raw = new Uint8Array(2 * half)
    for (const [i, field] of ['r', 's'].entries()) {
      const value = signature.bigInteger(field)
      const digits = value < 0n ? '' : value.toString(16).padStart(2 * half, '0')
      if (digits.length !== 2 * half) return undefined
      raw.set(Buffer.from(digits, 'hex'), i * half)
    }
    signature.expectEnd('ECDSA-Sig-Value')
    return raw
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

/** Contents of an INTEGER that is not negative: no leading zeros but one before a high top bit. */
function unsigned(bytes: Uint8Array): Uint8Array {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const digits = bytes.subarray(start)
  return digits[0]! < 0x80 ? digits : Uint8Array.of(0, ...digits)
}
