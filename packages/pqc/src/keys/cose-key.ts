import { DecodeError } from '@gridseal/wire'
import type { SignatureAlgorithm, SignatureInfo } from '../algorithms/info.ts'
import { algorithmByCose, signatureInfo } from '../algorithms/lookup.ts'
import { SIGNATURES } from '../algorithms/signatures.ts'
import { needBytes } from '../check.ts'
import { decodeCborMap, encodeCborMap } from './cbor.ts'
import type { CborMap, CborValue } from './cbor.ts'

/*
 * COSE_Key (RFC 9052 7): AKP with `alg`, `pub`, `priv` (RFC 9964 3), OKP with `crv`, `x`, `d` (RFC 9053 7.2), EC2 with
 * `crv`, `x`, `y`, `d` (RFC 9053 7.1).
 */

const KTY = 1
const KID = 2
const ALG = 3
const KEY_TYPES = { OKP: 1, EC2: 2, AKP: 7 } as const
/** Curves of the IANA registry. */
const CURVES: Readonly<Partial<Record<SignatureAlgorithm, number>>> = { Ed25519: 6, 'ECDSA-P256': 1, 'ECDSA-P384': 2 }

/** A key as a COSE_Key has it; whether its parts belong together is checked when it is imported. */
export interface CoseKey {
  readonly algorithm: SignatureInfo
  readonly publicKey: Uint8Array
  readonly privateKey: Uint8Array | undefined
  readonly kid: Uint8Array | undefined
}

/** The members that identify a key: what its thumbprint is taken over (RFC 9679 3), `alg` of AKP among them. */
export function coseKeyMembers(algorithm: SignatureAlgorithm, publicKey: Uint8Array): Map<number, CborValue> {
  const { cose, coseKey } = signatureInfo(algorithm)
  const members = new Map<number, CborValue>([[KTY, KEY_TYPES[coseKey]]])
  switch (coseKey) {
    case 'AKP':
      return members.set(ALG, cose).set(-1, publicKey)
    case 'OKP':
      return members.set(-1, CURVES[algorithm]!).set(-2, publicKey)
    case 'EC2': {
      const half = (publicKey.length - 1) / 2
      return members
        .set(-1, CURVES[algorithm]!)
        .set(-2, publicKey.subarray(1, 1 + half))
        .set(-3, publicKey.subarray(1 + half))
    }
  }
}

/** A COSE_Key in deterministic CBOR, with the private key where one is given. */
export function encodeCoseKey(
  algorithm: SignatureAlgorithm,
  publicKey: Uint8Array,
  parts: { readonly privateKey?: Uint8Array; readonly kid?: Uint8Array } = {},
): Uint8Array {
  const info = signatureInfo(algorithm)
  const members = coseKeyMembers(algorithm, publicKey).set(ALG, info.cose)
  if (parts.kid !== undefined) members.set(KID, parts.kid)
  if (parts.privateKey !== undefined) members.set(privateLabel(info), parts.privateKey)
  return encodeCborMap(members)
}

/**
 * Reads a COSE_Key of our signature algorithms. Deterministic CBOR only; throws {@link DecodeError}, among its codes
 * `pqc.algorithm.unknown`, `pqc.cose.alg` (missing or not that of the key), `pqc.key.length`.
 */
export function decodeCoseKey(bytes: Uint8Array): CoseKey {
  needBytes(bytes, 'bytes')
  const map = decodeCborMap(bytes)
  const algorithm = algorithmOf(map)
  const publicKey = publicKeyOf(map, algorithm)
  const privateKey = map.get(privateLabel(algorithm))
  if (privateKey !== undefined) needString(privateKey, algorithm.seedLength, 'priv')
  const kid = map.get(KID)
  if (kid !== undefined && !(kid instanceof Uint8Array)) throw wrong('pqc.cose.type', 'kid', 'must be a byte string')
  return { algorithm, publicKey, privateKey: privateKey as Uint8Array | undefined, kid }
}

function algorithmOf(map: CborMap): SignatureInfo {
  const kty = map.get(KTY)
  const alg = map.get(ALG)
  if (alg !== undefined && typeof alg !== 'number') throw wrong('pqc.cose.alg', 'alg', 'must be an integer')
  let info: SignatureInfo | undefined
  if (kty === KEY_TYPES.AKP) {
    if (alg === undefined) throw wrong('pqc.cose.alg', 'alg', 'an AKP key must have one (RFC 9964 3)')
    info = algorithmByCose(alg)
  } else {
    const curve = map.get(-1)
    info = SIGNATURES.find(({ name, coseKey }) => KEY_TYPES[coseKey] === kty && CURVES[name] === curve)
    if (info !== undefined && alg !== undefined && alg !== info.cose && alg !== POLYMORPHIC[info.coseKey]) {
      throw wrong('pqc.cose.alg', 'alg', `${alg} is not of ${info.name}`)
    }
  }
  if (info === undefined || KEY_TYPES[info.coseKey] !== kty) {
    throw wrong('pqc.algorithm.unknown', 'kty', `unknown key type ${String(kty)} or algorithm ${String(alg)}`)
  }
  return info
}

/** `EdDSA` and `ES256` of RFC 9053: deprecated by RFC 9864, still read. */
const POLYMORPHIC: Readonly<Record<string, number>> = { OKP: -8, EC2: -7 }

function publicKeyOf(map: CborMap, { coseKey, publicKeyLength }: SignatureInfo): Uint8Array {
  if (coseKey === 'AKP') return needString(map.get(-1), publicKeyLength, 'pub')
  if (coseKey === 'OKP') return needString(map.get(-2), publicKeyLength, 'x')
  const half = (publicKeyLength - 1) / 2
  const x = needString(map.get(-2), half, 'x')
  const y = needString(map.get(-3), half, 'y')
  return Uint8Array.of(4, ...x, ...y)
}

function privateLabel({ coseKey }: SignatureInfo): number {
  return coseKey === 'AKP' ? -2 : -4
}

function needString(value: CborValue | undefined, length: number, field: string): Uint8Array {
  if (value instanceof Uint8Array && value.length === length) return value
  const actual = value instanceof Uint8Array ? `${value.length} bytes` : typeof value
  throw wrong('pqc.key.length', field, `must be ${length} bytes, not ${actual}`)
}

function wrong(code: string, field: string, message: string): DecodeError {
  return new DecodeError(code, 0, field, message)
}
