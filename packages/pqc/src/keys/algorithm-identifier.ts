import { BER, DecodeError } from '@gridseal/wire'
import type { BerReader, BerWriter } from '@gridseal/wire'
import type { AlgorithmInfo, AlgorithmName } from '../algorithms/info.ts'
import { algorithmByOid, algorithmInfo } from '../algorithms/lookup.ts'

/**
 * Reads an AlgorithmIdentifier of our tables; parameters must be absent, NULL is refused (RFC 9881 2, RFC 9935 3).
 * Throws `DecodeError` `pqc.algorithm.unknown`.
 */
export function readAlgorithm(reader: BerReader): AlgorithmInfo {
  const identifier = reader.enter(BER.SEQUENCE, 'algorithm')
  const at = identifier.offset
  const oid = identifier.oid('algorithm')
  const algorithm = algorithmByOid(oid)
  if (algorithm === undefined) {
    throw new DecodeError('pqc.algorithm.unknown', at, 'algorithm', `unknown algorithm ${oid}`)
  }
  identifier.expectEnd('parameters')
  return algorithm
}

/** Writes an AlgorithmIdentifier without parameters. */
export function writeAlgorithm(writer: BerWriter, algorithm: AlgorithmName): void {
  writer.constructed(BER.SEQUENCE, (w) => w.oid(algorithmInfo(algorithm).oid))
}
