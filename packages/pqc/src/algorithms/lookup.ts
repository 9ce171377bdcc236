import { UsageError } from '@gridseal/wire'
import type { AlgorithmInfo, AlgorithmName, KemAlgorithm, KemInfo, SignatureAlgorithm, SignatureInfo } from './info.ts'
import { KEMS } from './kems.ts'
import { SIGNATURES } from './signatures.ts'

/** Every algorithm, in the order of the tables. */
export const ALGORITHMS: readonly AlgorithmInfo[] = [...SIGNATURES, ...KEMS]

const BY_NAME: ReadonlyMap<unknown, AlgorithmInfo> = new Map(ALGORITHMS.map((info) => [info.name, info]))
const BY_OID: ReadonlyMap<string | undefined, AlgorithmInfo> = new Map(
  ALGORITHMS.filter((info) => info.oid !== undefined).map((info) => [info.oid, info]),
)
const BY_COSE: ReadonlyMap<number, SignatureInfo> = new Map(SIGNATURES.map((info) => [info.cose, info]))

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
  if (info?.kind !== 'signature') throw unknownAlgorithm(name, SIGNATURES)
  return info
}

/** The row of a KEM. Throws {@link UsageError} `pqc.algorithm.unknown` for anything else. */
export function kemInfo(name: KemAlgorithm): KemInfo {
  const info = BY_NAME.get(name)
  if (info?.kind !== 'kem') throw unknownAlgorithm(name, KEMS)
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

/** The algorithm of an object identifier (of an elliptic curve: its ECDSA), or undefined. */
export function algorithmByOid(oid: string): AlgorithmInfo | undefined {
  return BY_OID.get(oid)
}

/** The signature algorithm of a COSE `alg`, or undefined. */
export function algorithmByCose(alg: number): SignatureInfo | undefined {
  return BY_COSE.get(alg)
}

/**
 * The algorithm that a name in another notation means, and what kind of name it is: ours in any case and with or
 * without hyphens, Node's, JOSE's, and the round-3 names, which mean a scheme that does not interoperate with the
 * standard of the same family: `round3` says that the peer must speak the final standard.
 */
export interface NamedAlgorithm {
  readonly name: AlgorithmName
  readonly alias: 'same' | 'round3'
  /** A sentence for the operator when the alias is not the same algorithm. */
  readonly note: string | undefined
}

/** Names of the NIST competition's third round and the standards that they became. */
const ROUND_3: readonly (readonly [string, AlgorithmName])[] = [
  ['Kyber512', 'ML-KEM-512'],
  ['Kyber768', 'ML-KEM-768'],
  ['Kyber1024', 'ML-KEM-1024'],
  ['Dilithium2', 'ML-DSA-44'],
  ['Dilithium3', 'ML-DSA-65'],
  ['Dilithium5', 'ML-DSA-87'],
  ...(['SHA2', 'SHAKE'] as const).flatMap((hash) =>
    ([128, 192, 256] as const).flatMap((bits) =>
      (['s', 'f'] as const).map(
        (size) =>
          [
            `SPHINCS+-${hash === 'SHA2' ? 'SHA256' : 'SHAKE256'}-${bits}${size}`,
            `SLH-DSA-${hash}-${bits}${size}`,
          ] as const,
      ),
    ),
  ),
]

const BY_ALIAS: ReadonlyMap<string, NamedAlgorithm> = new Map([
  ...ROUND_3.map(([old, name]): [string, NamedAlgorithm] => {
    const note = `${old} of the competition is not ${name}: keys, signatures and ciphertexts differ. ${name} is used`
    return [plainName(old), { name, alias: 'round3', note }]
  }),
  ...ALGORITHMS.flatMap(({ name, jose }): [string, NamedAlgorithm][] =>
    [name, jose ?? name].map((text) => [plainName(text), { name, alias: 'same', note: undefined }]),
  ),
  ['xwing', { name: 'X-Wing', alias: 'same', note: undefined }],
])

/** What {@link NamedAlgorithm} a name in configuration or on a command line means. Throws `pqc.algorithm.unknown`. */
export function findAlgorithm(text: string): NamedAlgorithm {
  const found = typeof text === 'string' ? BY_ALIAS.get(plainName(text)) : undefined
  if (found === undefined) throw unknownAlgorithm(text, ALGORITHMS)
  return found
}

function plainName(text: string): string {
  return text.toLowerCase().replaceAll(/[-_ ]/g, '')
}

function unknownAlgorithm(name: unknown, allowed: readonly AlgorithmInfo[]): UsageError {
  const names = allowed.map((info) => info.name)
  const shown = typeof name === 'string' ? `"${name}"` : `a value of type ${typeof name}`
  return new UsageError('pqc.algorithm.unknown', `${shown} is not one of ${names.join(', ')}`, { allowed: names })
}
