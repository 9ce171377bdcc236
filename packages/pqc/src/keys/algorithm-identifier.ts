import { BER, DecodeError } from '@gridseal/wire'
import type { BerReader, BerWriter } from '@gridseal/wire'
import type { AlgorithmInfo, AlgorithmName } from '../algorithms/info.ts'
import { algorithmByOid, algorithmInfo } from '../algorithms/lookup.ts'
import { noForm } from './no-form.ts'

/** id-ecPublicKey (RFC 5480 2.1.1): the curve is its parameter. The tables name a key by its curve. */
const EC_PUBLIC_KEY = '1.2.840.10045.2.1'

/**
 * Reads the AlgorithmIdentifier of a key. Parameters must be absent, NULL is refused (RFC 9881 2, RFC 9909 3, RFC 9935 3,
 * RFC 8410 3); elliptic curves must be named (RFC 5480 2.1.1). Throws `DecodeError` `pqc.algorithm.unknown`.
 */
export function readAlgorithm(reader: BerReader): AlgorithmInfo {
  const identifier = reader.enter(BER.SEQUENCE, 'algorithm')
  const at = identifier.offset
  const oid = identifier.oid('algorithm')
  const elliptic = oid === EC_PUBLIC_KEY
  const algorithm = algorithmByOid(elliptic ? identifier.oid('namedCurve') : oid)
  if (algorithm === undefined || (algorithm.family === 'ECDSA') !== elliptic) {
    throw new DecodeError('pqc.algorithm.unknown', at, 'algorithm', `unknown algorithm ${oid}`)
  }
  identifier.expectEnd('parameters')
  return algorithm
}

/** Writes the AlgorithmIdentifier of a key. Throws `UsageError` `pqc.key.form` for algorithms without identifier. */
export function writeAlgorithm(writer: BerWriter, algorithm: AlgorithmName): void {
  const { oid, family } = algorithmInfo(algorithm)
  if (oid === undefined) throw noForm(algorithm, 'an object identifier')
  writer.constructed(BER.SEQUENCE, (w) => {
    if (family === 'ECDSA') w.oid(EC_PUBLIC_KEY)
    w.oid(oid)
  })
}
