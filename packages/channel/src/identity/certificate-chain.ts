import { DecodeError, UsageError, Writer } from '@gridseal/wire'
import type { Reader } from '@gridseal/wire'
import { Certificate } from '@gridseal/pqc'

/*
 * A chain on the wire: count u8 || count x (length u16 || DER), the leaf first, every other the issuer of one before
 * it. Bounds are checked before a certificate is read.
 */

/** Certificates in a chain. */
export const MAX_CERTIFICATES = 4
/** Bytes of a chain on the wire: four of ML-DSA-87. */
export const MAX_CHAIN = 32_768

/** Throws {@link UsageError} `channel.certificate.chain`. */
export function encodeChain(chain: readonly Certificate[]): Uint8Array {
  const length = chain.reduce((sum, { der }) => sum + 2 + der.length, 1)
  if (chain.length === 0 || chain.length > MAX_CERTIFICATES || length > MAX_CHAIN) {
    const text = `a chain has 1 to ${MAX_CERTIFICATES} certificates in ${MAX_CHAIN} bytes, not ${chain.length} in ${length}`
    throw new UsageError('channel.certificate.chain', text)
  }
  const w = new Writer(length).u8(chain.length)
  for (const { der } of chain) w.u16be(der.length).bytes(der)
  return w.finish()
}

/** Reads a chain. Throws {@link DecodeError}, with `channel.certificate.chain` for too many or too large ones. */
export function readChain(r: Reader): readonly [Certificate, ...Certificate[]] {
  const at = r.offset
  const count = r.u8('certificateCount')
  if (count === 0 || count > MAX_CERTIFICATES) {
    const text = `${count} certificates, must be 1 to ${MAX_CERTIFICATES}`
    throw new DecodeError('channel.certificate.chain', at, 'certificateCount', text)
  }
  const ders: Uint8Array[] = []
  for (let i = 0; i < count; i++) ders.push(r.take(r.u16be('certificateLength'), 'certificate'))
  if (r.offset - at > MAX_CHAIN) {
    throw new DecodeError('channel.certificate.chain', at, 'certificates', `${r.offset - at} bytes of certificates`)
  }
  const [leaf, ...others] = ders.map((der) => Certificate.fromDer(der))
  return [leaf!, ...others]
}
