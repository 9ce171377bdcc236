import { BER, DecodeError, UsageError } from '@gridseal/wire'
import type { BerReader, BerWriter } from '@gridseal/wire'
import type { SignatureAlgorithm } from '../algorithms/info.ts'
import { signatureInfo } from '../algorithms/lookup.ts'
import { ecdsaFromDer, ecdsaToDer } from '../keys/ecdsa-der.ts'
import type { MessageSigner } from '../keys/message-signer.ts'
import { noForm } from '../keys/no-form.ts'
import type { VerifyingKey } from '../keys/verifying-key.ts'
import { signatureByOid, signatureOid } from './oids.ts'

/* What certificates, requests and revocation lists share: times, signature algorithms, signed envelopes. */

/** Reads UTCTime or GeneralizedTime (RFC 5280 4.1.2.5): seconds, Zulu, nothing else. */
export function readTime(reader: BerReader, field: string): Date {
  const general = reader.is(BER.GENERALIZED_TIME)
  const at = reader.offset
  const text = reader.text(field, general ? BER.GENERALIZED_TIME : BER.UTC_TIME)
  const digits = general ? 14 : 12
  if (!/^\d+Z$/.test(text) || text.length !== digits + 1) throw wrong(at, field, text)
  // Two digits mean 1950 to 2049.
  const full = general ? text : `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}`
  const [year, ...rest] = [full.slice(0, 4), full.slice(4, 6), full.slice(6, 8), full.slice(8, 10), full.slice(10, 12)]
  const iso = `${year}-${rest[0]}-${rest[1]}T${rest[2]}:${rest[3]}:${full.slice(12, 14)}Z`
  const date = new Date(iso)
  if (Number.isNaN(date.getTime()) || date.toISOString().slice(0, 19) !== iso.slice(0, 19)) throw wrong(at, field, text)
  return date
}

/** Writes a time to the second, as UTCTime until 2049. */
export function writeTime(writer: BerWriter, date: Date): void {
  const text = date
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-T:]/g, '')
  const year = date.getUTCFullYear()
  if (year >= 1950 && year < 2050) writer.text(text.slice(2), BER.UTC_TIME)
  else writer.text(text, BER.GENERALIZED_TIME)
}

/** Reads the AlgorithmIdentifier of a signature, whose parameters must be absent in all our algorithms. */
export function readSignatureAlgorithm(reader: BerReader, field: string): SignatureAlgorithm {
  const identifier = reader.enter(BER.SEQUENCE, field)
  const at = identifier.offset
  const oid = identifier.oid(field)
  const algorithm = signatureByOid(oid)
  if (algorithm === undefined) throw new DecodeError('pqc.algorithm.unknown', at, field, `unknown algorithm ${oid}`)
  if (!identifier.atEnd) throw identifier.error('pqc.x509.parameters', field, 'parameters must be absent')
  return algorithm
}

export function writeSignatureAlgorithm(writer: BerWriter, algorithm: SignatureAlgorithm): void {
  const oid = signatureOid(algorithm)
  if (oid === undefined) throw noForm(algorithm, 'an object identifier')
  writer.constructed(BER.SEQUENCE, (w) => w.oid(oid))
}

/** The signature over `signed` as X.509 writes it: ECDSA in DER. */
export async function signX509(signer: MessageSigner, signed: Uint8Array): Promise<Uint8Array> {
  const signature = await signer.sign(signed)
  return isEcdsa(signer.publicKey.algorithm) ? ecdsaToDer(signature) : signature
}

export function verifyX509(key: VerifyingKey, signed: Uint8Array, signature: Uint8Array): boolean {
  if (!isEcdsa(key.algorithm)) return key.verify(signed, signature)
  const raw = ecdsaFromDer(signature, signatureInfo(key.algorithm).signatureLength / 2)
  return raw !== undefined && key.verify(signed, raw)
}

/** SEQUENCE { signed, algorithm, signature }. */
export interface SignedParts {
  readonly signed: Uint8Array
  readonly algorithm: SignatureAlgorithm
  readonly signature: Uint8Array
}

export function readSigned(outer: BerReader, field: string): SignedParts {
  const sequence = outer.enter(BER.SEQUENCE, field)
  outer.expectEnd(field)
  const signed = sequence.element(`tbs ${field}`)
  const algorithm = readSignatureAlgorithm(sequence, 'signatureAlgorithm')
  const { bytes, unusedBits } = sequence.bitString('signatureValue')
  if (unusedBits !== 0) throw sequence.error('decode.ber.bits', 'signatureValue', 'unused bits')
  sequence.expectEnd(field)
  return { signed, algorithm, signature: bytes }
}

export function needDate(value: unknown, what: string): asserts value is Date {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return
  throw new UsageError('pqc.argument.type', `${what} must be a valid Date`, { what })
}

function isEcdsa(algorithm: SignatureAlgorithm): boolean {
  return signatureInfo(algorithm).family === 'ECDSA'
}

function wrong(offset: number, field: string, text: string): DecodeError {
  return new DecodeError('pqc.x509.time', offset, field, `"${text.slice(0, 20)}" is no time of RFC 5280`)
}
