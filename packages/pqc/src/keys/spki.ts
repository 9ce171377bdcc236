import { BER, BerReader, BerWriter, DecodeError } from '@gridseal/wire'
import type { AlgorithmInfo, AlgorithmName } from '../algorithms/info.ts'
import { algorithmInfo } from '../algorithms/lookup.ts'
import { needLength } from '../check.ts'
import { readAlgorithm, writeAlgorithm } from './algorithm-identifier.ts'

/** A public key as the SubjectPublicKeyInfo has it. */
export interface SpkiKey {
  readonly algorithm: AlgorithmInfo
  readonly publicKey: Uint8Array
}

/**
 * Reads a SubjectPublicKeyInfo (RFC 5280 4.1) of our algorithms. Strict DER; throws {@link DecodeError}, with
 * `pqc.algorithm.unknown` for an OID that is not in the tables and `pqc.key.length` for a key of another size.
 */
export function decodeSpki(der: Uint8Array): SpkiKey {
  const outer = BerReader.of(der, { der: true })
  const info = outer.enter(BER.SEQUENCE, 'SubjectPublicKeyInfo')
  outer.expectEnd('SubjectPublicKeyInfo')
  const algorithm = readAlgorithm(info)
  const { bytes, unusedBits } = info.bitString('subjectPublicKey')
  if (bytes.length !== algorithm.publicKeyLength || unusedBits !== 0) {
    const message = `must be ${algorithm.publicKeyLength} bytes, not ${bytes.length}`
    throw new DecodeError('pqc.key.length', info.offset - bytes.length, 'subjectPublicKey', message)
  }
  info.expectEnd('SubjectPublicKeyInfo')
  return { algorithm, publicKey: bytes }
}

/** A SubjectPublicKeyInfo. */
export function encodeSpki(algorithm: AlgorithmName, publicKey: Uint8Array): Uint8Array {
  needLength(publicKey, algorithmInfo(algorithm).publicKeyLength, 'pqc.key.length', 'public key')
  return new BerWriter(publicKey.length + 32)
    .constructed(BER.SEQUENCE, (w) => {
      writeAlgorithm(w, algorithm)
      w.bitString(publicKey)
    })
    .finish()
}
