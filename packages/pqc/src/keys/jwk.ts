import { DecodeError, UsageError } from '@gridseal/wire'
import type { AlgorithmInfo, AlgorithmName } from '../algorithms/info.ts'
import { ALGORITHMS, algorithmInfo } from '../algorithms/lookup.ts'
import { hash } from 'node:crypto'
import { noForm } from './no-form.ts'

/*
 * JSON Web Keys (RFC 7517): `AKP` with `alg`, `pub`, `priv` (RFC 9964 3; ML-KEM as Node.js writes it), `OKP` with
 * `crv`, `x`, `d` (RFC 8037), `EC` with `crv`, `x`, `y`, `d` (RFC 7518 6.2). Members are written in the order of their
 * names, which is also that of the thumbprint (RFC 7638).
 */

export interface Jwk {
  readonly kty: 'AKP' | 'OKP' | 'EC'
  readonly alg?: string
  readonly crv?: string
  readonly pub?: string
  readonly priv?: string
  readonly x?: string
  readonly y?: string
  readonly d?: string
  readonly kid?: string
}

/** A key as a JWK has it; whether its parts belong together is checked when it is imported. */
export interface JwkKey {
  readonly algorithm: AlgorithmInfo
  readonly publicKey: Uint8Array
  readonly privateKey: Uint8Array | undefined
}

const CURVES: Readonly<Partial<Record<AlgorithmName, string>>> = {
  Ed25519: 'Ed25519',
  'ECDSA-P256': 'P-256',
  'ECDSA-P384': 'P-384',
}

/** A JWK, with the private key where one is given. Throws `UsageError` `pqc.key.form` for KEMs without a JOSE name. */
export function encodeJwk(algorithm: AlgorithmName, publicKey: Uint8Array, privateKey?: Uint8Array): Jwk {
  const info = algorithmInfo(algorithm)
  if (info.jose === undefined) throw noForm(algorithm, 'a JWK')
  const crv = CURVES[algorithm]
  if (crv === undefined) {
    const secret = privateKey === undefined ? {} : { priv: base64url(privateKey) }
    return { alg: info.jose, kty: 'AKP', ...secret, pub: base64url(publicKey) }
  }
  const secret = privateKey === undefined ? {} : { d: base64url(privateKey) }
  if (info.family === 'EdDSA') return { alg: info.jose, crv, ...secret, kty: 'OKP', x: base64url(publicKey) }
  const half = (publicKey.length - 1) / 2
  const [x, y] = [base64url(publicKey.subarray(1, 1 + half)), base64url(publicKey.subarray(1 + half))]
  return { alg: info.jose, crv, ...secret, kty: 'EC', x, y }
}

/** The JWK thumbprint (RFC 7638, RFC 9964 6) with SHA-256, in base64url. */
export function jwkThumbprint(algorithm: AlgorithmName, publicKey: Uint8Array): string {
  const { alg, ...members } = encodeJwk(algorithm, publicKey)
  const required = members.kty === 'AKP' ? { alg, ...members } : members
  return hash('sha256', JSON.stringify(required), 'base64url')
}

/**
 * Reads a JWK. Throws {@link DecodeError}: `pqc.jwk.format` (not an object, a member that is not base64url),
 * `pqc.jwk.alg` (missing for AKP, or not that of the key), `pqc.algorithm.unknown`, `pqc.key.length`.
 */
export function decodeJwk(jwk: unknown): JwkKey {
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) {
    throw new DecodeError('pqc.jwk.format', 0, 'jwk', 'a JWK must be an object')
  }
  const members = jwk as Readonly<Record<string, unknown>>
  const algorithm = algorithmOf(members)
  if (members['kty'] === 'AKP') {
    const publicKey = member(members, 'pub', algorithm.publicKeyLength)
    return { algorithm, publicKey, privateKey: optional(members, 'priv', algorithm.seedLength) }
  }
  const privateKey = optional(members, 'd', algorithm.seedLength)
  if (algorithm.family === 'EdDSA') return { algorithm, publicKey: member(members, 'x', 32), privateKey }
  const half = (algorithm.publicKeyLength - 1) / 2
  const publicKey = Uint8Array.of(4, ...member(members, 'x', half), ...member(members, 'y', half))
  return { algorithm, publicKey, privateKey }
}

/** Parses text first: a JWK of a file. Throws as {@link decodeJwk}. */
export function parseJwk(text: string): JwkKey {
  if (typeof text !== 'string') throw new UsageError('pqc.argument.type', 'a JWK must be text')
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new DecodeError('pqc.jwk.format', 0, 'jwk', 'not JSON', {}, error)
  }
  return decodeJwk(parsed)
}

function algorithmOf({ kty, alg, crv }: Readonly<Record<string, unknown>>): AlgorithmInfo {
  if (kty === 'AKP') {
    if (typeof alg !== 'string') throw wrong('pqc.jwk.alg', 'alg', 'an AKP key must have one (RFC 9964 3)')
    const info = ALGORITHMS.find((row) => row.jose === alg && CURVES[row.name] === undefined)
    if (info !== undefined) return info
    throw wrong('pqc.algorithm.unknown', 'alg', 'unknown algorithm')
  }
  const info = ALGORITHMS.find((row) => CURVES[row.name] !== undefined && CURVES[row.name] === crv)
  if (info === undefined || kty !== (info.family === 'EdDSA' ? 'OKP' : 'EC')) {
    throw wrong('pqc.algorithm.unknown', 'kty', 'unknown key type or curve')
  }
  // `EdDSA` of RFC 8037 is deprecated by RFC 9864 and still read.
  if (alg === undefined || alg === info.jose || (alg === 'EdDSA' && info.family === 'EdDSA')) return info
  throw wrong('pqc.jwk.alg', 'alg', `not of ${info.name}`)
}

function optional(members: Readonly<Record<string, unknown>>, name: string, length: number): Uint8Array | undefined {
  return members[name] === undefined ? undefined : member(members, name, length)
}

function member(members: Readonly<Record<string, unknown>>, name: string, length: number): Uint8Array {
  const text = members[name]
  if (typeof text !== 'string') throw wrong('pqc.jwk.format', name, 'is missing or no string')
  const bytes = Buffer.from(text, 'base64url')
  // Buffer skips what is not base64url; only an exact round trip proves that nothing was skipped.
  if (bytes.toString('base64url') !== text) throw wrong('pqc.jwk.format', name, 'is not base64url')
  if (bytes.length !== length) throw wrong('pqc.key.length', name, `must be ${length} bytes, not ${bytes.length}`)
  return new Uint8Array(bytes)
}

function wrong(code: string, field: string, message: string): DecodeError {
  return new DecodeError(code, 0, field, message)
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
}
