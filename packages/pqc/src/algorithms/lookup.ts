import { UsageError } from '@gridseal/wire'
import type { AlgorithmInfo, AlgorithmName, KemAlgorithm, KemInfo, SignatureAlgorithm, SignatureInfo } from './info.ts'
import { KEMS } from './kems.ts'
import { SIGNATURES } from './signatures.ts'

/** Every algorithm, in the order of the tables. */
export const ALGORITHMS: readonly AlgorithmInfo[] = [...Object.values(SIGNATURES), ...Object.values(KEMS)]

const BY_NAME: ReadonlyMap<unknown, AlgorithmInfo> = new Map(ALGORITHMS.map((info) => [info.name, info]))
const BY_OID: ReadonlyMap<string, AlgorithmInfo> = new Map(ALGORITHMS.map((info) => [info.oid, info]))
const BY_COSE: ReadonlyMap<number | undefined, AlgorithmInfo> = new Map(
  ALGORITHMS.filter((info) => info.cose !== undefined).map((info) => [info.cose, info]),
)

/** The row of an algorithm. Throws {@link UsageError} `pqc.algorithm.unknown`. */
export function algorithmInfo(name: SignatureAlgorithm): SignatureInfo
export function algorithmInfo(name: KemAlgorithm): KemInfo
export function algorithmInfo(name: AlgorithmName): AlgorithmInfo
export function algorithmInfo(name: AlgorithmName): AlgorithmInfo {
  const info = BY_NAME.get(name)
  if (info === undefined) throw unknownAlgorithm(name, ALGORITHMS)
  return info
}

/** The row of a signature algorithm. Throws {@link UsageError} `pqc.algorithm.unknown` for anything else. */
export function signatureInfo(name: SignatureAlgorithm): SignatureInfo {
  const info = BY_NAME.get(name)
  if (info?.kind !== 'signature') throw unknownAlgorithm(name, Object.values(SIGNATURES))
  return info
}

/** The row of a KEM. Throws {@link UsageError} `pqc.algorithm.unknown` for anything else. */
export function kemInfo(name: KemAlgorithm): KemInfo {
  const info = BY_NAME.get(name)
  if (info?.kind !== 'kem') throw unknownAlgorithm(name, Object.values(KEMS))
  return info
}

/** Whether `name` is a signature algorithm of this build: for configuration and for what a peer names. */
export function isSignatureAlgorithm(name: unknown): name is SignatureAlgorithm {
  return BY_NAME.get(name)?.kind === 'signature'
}

/** Whether `name` is a KEM of this build. */
export function isKemAlgorithm(name: unknown): name is KemAlgorithm {
  return BY_NAME.get(name)?.kind === 'kem'
}

/** The algorithm of an object identifier, or undefined. */
export function algorithmByOid(oid: string): AlgorithmInfo | undefined {
  return BY_OID.get(oid)
}

/** The algorithm of a COSE `alg`, or undefined. */
export function algorithmByCose(alg: number): AlgorithmInfo | undefined {
  return BY_COSE.get(alg)
}

function unknownAlgorithm(name: unknown, allowed: readonly AlgorithmInfo[]): UsageError {
  const names = allowed.map((info) => info.name)
  const shown = typeof name === 'string' ? `"${name}"` : `a value of type ${typeof name}`
  return new UsageError('pqc.algorithm.unknown', `${shown} is not one of ${names.join(', ')}`, { allowed: names })
}
