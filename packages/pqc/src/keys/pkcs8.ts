import { BER, BerReader, BerWriter, DecodeError, contextConstructed, contextTag } from '@gridseal/wire'
import type { AlgorithmInfo, AlgorithmName } from '../algorithms/info.ts'
import { algorithmInfo } from '../algorithms/lookup.ts'
import { needLength } from '../check.ts'
import { readAlgorithm, writeAlgorithm } from './algorithm-identifier.ts'
import { decodeEcPrivateKey, encodeEcPrivateKey, readPublicKey } from './ec-private-key.ts'

/*
 * Private keys in PKCS#8 (RFC 5958):
 *
 *   OneAsymmetricKey ::= SEQUENCE { version INTEGER (0..1), algorithm, privateKey OCTET STRING,
 *                                   attributes [0] SET OPTIONAL, publicKey [1] BIT STRING OPTIONAL }
 *
 * What privateKey contains:
 *   ML-DSA (RFC 9881 6), ML-KEM (RFC 9935 6): CHOICE { seed [0] OCTET STRING, expandedKey OCTET STRING,
 *                                             both SEQUENCE { seed OCTET STRING, expandedKey OCTET STRING } }
 *   SLH-DSA (RFC 9909 5), X-Wing, Falcon:     the key itself
 *   Ed25519 (RFC 8410 7):                     OCTET STRING
 *   ECDSA (RFC 5915):                         ECPrivateKey
 *   composite (its draft, 5.2):               the ML-DSA seed, then an Ed25519 key or ECPrivateKey
 */

const SEED = contextTag(0)
const ATTRIBUTES = contextConstructed(0)
const PUBLIC_KEY = contextTag(1)

/** A private key as the file has it; whether its parts belong together is checked when it is imported. */
export interface Pkcs8Key {
  readonly algorithm: AlgorithmInfo
  /** The canonical private key. */
  readonly seed: Uint8Array | undefined
  readonly expanded: Uint8Array | undefined
  readonly publicKey: Uint8Array | undefined
}

/**
 * Reads a private key in any of its forms. Strict DER; throws {@link DecodeError}, with `pqc.algorithm.unknown` for
 * an OID that is not in the tables and `pqc.key.length` for a key of another size.
 */
export function decodePkcs8(der: Uint8Array): Pkcs8Key {
  const outer = BerReader.of(der, { der: true })
  const info = outer.enter(BER.SEQUENCE, 'OneAsymmetricKey')
  outer.expectEnd('OneAsymmetricKey')
  const version = info.integer('version')
  if (version !== 0 && version !== 1) throw info.error('pqc.pkcs8.version', 'version', `version ${version}`)
  const algorithm = readAlgorithm(info)
  const privateKey = info.contents(BER.OCTET_STRING, 'privateKey')
  const keyOffset = info.offset - privateKey.length
  if (info.is(ATTRIBUTES)) info.skip('attributes')
  // Version 2 (encoded 1) is the one with a public key (RFC 5958 2).
  const publicKey = version === 1 ? readPublicKey(info, PUBLIC_KEY, algorithm.publicKeyLength) : undefined
  info.expectEnd('OneAsymmetricKey')
  const parts = decodePrivateKey(algorithm, privateKey, keyOffset)
  if (publicKey !== undefined && parts.publicKey !== undefined && Buffer.compare(publicKey, parts.publicKey) !== 0) {
    throw info.error('pqc.key.mismatch', 'publicKey', 'there are two, and they differ')
  }
  return { algorithm, publicKey, expanded: undefined, ...parts }
}

/** A private key in its canonical form, with the seed where there is one: the same bytes on every runtime. */
export function encodePkcs8(algorithm: AlgorithmName, seed: Uint8Array): Uint8Array {
  const info = algorithmInfo(algorithm)
  needLength(seed, info.seedLength, 'pqc.seed.length', 'seed')
  return encode(algorithm, 96 + seed.length, (key) => writePrivateKey(key, info, seed))
}

/** An ECDSA key with its public half, as OpenSSL and RFC 5915 3 have it. */
export function encodePkcs8Ec(algorithm: AlgorithmName, scalar: Uint8Array, publicKey: Uint8Array): Uint8Array {
  needLength(scalar, algorithmInfo(algorithm).seedLength, 'pqc.seed.length', 'seed')
  return encode(algorithm, 128 + scalar.length + publicKey.length, (key) =>
    key.raw(encodeEcPrivateKey(algorithm, scalar, { publicKey })),
  )
}

/** A private key in the form which has seed and expanded key, as OpenSSL 3.5 writes it by default. */
export function encodePkcs8Both(algorithm: AlgorithmName, seed: Uint8Array, expanded: Uint8Array): Uint8Array {
  const info = algorithmInfo(algorithm)
  needLength(seed, info.seedLength, 'pqc.seed.length', 'seed')
  needLength(expanded, info.expandedLength, 'pqc.key.length', 'expanded key')
  return encode(algorithm, 64 + seed.length + expanded.length, (key) =>
    key.constructed(BER.SEQUENCE, (both) => both.octetString(seed).octetString(expanded)),
  )
}

/** A private key of which only the expanded form is there. */
export function encodePkcs8Expanded(algorithm: AlgorithmName, expanded: Uint8Array): Uint8Array {
  needLength(expanded, algorithmInfo(algorithm).expandedLength, 'pqc.key.length', 'expanded key')
  return encode(algorithm, 64 + expanded.length, (key) => key.octetString(expanded))
}

/** `capacity` holds the whole key, so that no copy of it is left behind by a growing buffer. */
function encode(algorithm: AlgorithmName, capacity: number, writeKey: (writer: BerWriter) => void): Uint8Array {
  return new BerWriter(capacity)
    .constructed(BER.SEQUENCE, (w) => {
      w.integer(0)
      writeAlgorithm(w, algorithm)
      w.wrapping(BER.OCTET_STRING, writeKey)
    })
    .finish()
}

function writePrivateKey(key: BerWriter, info: AlgorithmInfo, seed: Uint8Array): void {
  switch (info.family) {
    case 'ML-DSA':
    case 'ML-KEM':
      key.octetString(seed, SEED)
      return
    case 'EdDSA':
      key.octetString(seed)
      return
    case 'ECDSA':
      // The curve is in the algorithm identifier already.
      key.raw(encodeEcPrivateKey(info.name, seed))
      return
    case 'composite': {
      const { family, name } = algorithmInfo(info.legs![1])
      key.raw(seed.subarray(0, 32))
      key.raw(family === 'ECDSA' ? encodeEcPrivateKey(name, seed.subarray(32), { curve: true }) : seed.subarray(32))
      return
    }
    case 'SLH-DSA':
    case 'Falcon':
    case 'hybrid':
      key.raw(seed)
  }
}

type Parts = Pick<Pkcs8Key, 'seed'> & Partial<Pick<Pkcs8Key, 'expanded' | 'publicKey'>>

function decodePrivateKey(info: AlgorithmInfo, privateKey: Uint8Array, offset: number): Parts {
  switch (info.family) {
    case 'ML-DSA':
    case 'ML-KEM':
      return decodeChoice(info, privateKey, offset)
    case 'EdDSA': {
      const reader = BerReader.of(privateKey, { der: true }, offset)
      const seed = part(reader, BER.OCTET_STRING, info.seedLength, 'privateKey')
      reader.expectEnd('privateKey')
      return { seed }
    }
    case 'ECDSA':
      return ecKey(info, privateKey, offset)
    case 'composite': {
      const classical = algorithmInfo(info.legs![1])
      const rest = privateKey.subarray(32)
      const second =
        classical.family === 'ECDSA'
          ? decodeEcPrivateKey(rest, classical, offset + 32).scalar
          : exactly(rest, classical.seedLength, offset + 32)
      if (privateKey.length < 32) throw wrongLength(offset, 'privateKey', info.seedLength, privateKey.length)
      const seed = new Uint8Array(info.seedLength)
      seed.set(privateKey.subarray(0, 32))
      seed.set(second, 32)
      return { seed }
    }
    case 'SLH-DSA':
    case 'Falcon':
    case 'hybrid':
      return { seed: exactly(privateKey, info.seedLength, offset) }
  }
}

function ecKey(info: AlgorithmInfo, privateKey: Uint8Array, offset: number): Parts {
  const { scalar, publicKey } = decodeEcPrivateKey(privateKey, info, offset)
  return publicKey === undefined ? { seed: scalar } : { seed: scalar, publicKey }
}

function decodeChoice(algorithm: AlgorithmInfo, privateKey: Uint8Array, offset: number): Parts {
  const key = BerReader.of(privateKey, { der: true }, offset)
  switch (key.peekTag('privateKey')) {
    case SEED: {
      const seed = part(key, SEED, algorithm.seedLength, 'seed')
      key.expectEnd('privateKey')
      return { seed }
    }
    case BER.OCTET_STRING: {
      const expanded = part(key, BER.OCTET_STRING, algorithm.expandedLength, 'expandedKey')
      key.expectEnd('privateKey')
      return { seed: undefined, expanded }
    }
    case BER.SEQUENCE: {
      const both = key.enter(BER.SEQUENCE, 'both')
      key.expectEnd('privateKey')
      const seed = part(both, BER.OCTET_STRING, algorithm.seedLength, 'seed')
      const expanded = part(both, BER.OCTET_STRING, algorithm.expandedLength, 'expandedKey')
      both.expectEnd('both')
      return { seed, expanded }
    }
    default:
      // Among others a bare seed without a tag, which OpenSSL takes and RFC 9881 does not know.
      throw key.error('pqc.pkcs8.form', 'privateKey', 'neither seed, expandedKey nor both')
  }
}

function part(key: BerReader, tag: number, length: number, field: string): Uint8Array {
  const bytes = key.contents(tag, field)
  if (bytes.length === length) return bytes
  throw wrongLength(key.offset - bytes.length, field, length, bytes.length)
}

function exactly(bytes: Uint8Array, length: number, offset: number): Uint8Array {
  if (bytes.length === length) return bytes
  throw wrongLength(offset, 'privateKey', length, bytes.length)
}

function wrongLength(offset: number, field: string, expected: number, actual: number): DecodeError {
  return new DecodeError('pqc.key.length', offset, field, `must be ${expected} bytes, not ${actual}`)
}
