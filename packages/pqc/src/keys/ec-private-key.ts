import { BER, BerReader, BerWriter, DecodeError, contextConstructed } from '@gridseal/wire'
import type { AlgorithmInfo, AlgorithmName } from '../algorithms/info.ts'
import { algorithmInfo } from '../algorithms/lookup.ts'

/*
 *   ECPrivateKey ::= SEQUENCE { version INTEGER (1), privateKey OCTET STRING, parameters [0] OID OPTIONAL,
 *                               publicKey [1] BIT STRING OPTIONAL }                                (RFC 5915 3)
 */

const PARAMETERS = contextConstructed(0)
const PUBLIC_KEY = contextConstructed(1)

/** `curve` where nothing around the key names it; the public key follows from the scalar and may be left out. */
export function encodeEcPrivateKey(
  algorithm: AlgorithmName,
  scalar: Uint8Array,
  { curve = false, publicKey }: { readonly curve?: boolean; readonly publicKey?: Uint8Array } = {},
): Uint8Array {
  return new BerWriter(scalar.length + (publicKey?.length ?? 0) + 40)
    .constructed(BER.SEQUENCE, (key) => {
      key.integer(1).octetString(scalar)
      if (curve) key.constructed(PARAMETERS, (w) => w.oid(algorithmInfo(algorithm).oid!))
      if (publicKey !== undefined) key.constructed(PUBLIC_KEY, (w) => w.bitString(publicKey))
    })
    .finish()
}

export function decodeEcPrivateKey(
  der: Uint8Array,
  { oid, seedLength, publicKeyLength }: AlgorithmInfo,
  offset: number,
): { readonly scalar: Uint8Array; readonly publicKey: Uint8Array | undefined } {
  const outer = BerReader.of(der, { der: true }, offset)
  const key = outer.enter(BER.SEQUENCE, 'ECPrivateKey')
  outer.expectEnd('ECPrivateKey')
  const version = key.integer('version')
  if (version !== 1) throw key.error('pqc.pkcs8.version', 'version', `ECPrivateKey version ${version}`)
  const scalar = key.contents(BER.OCTET_STRING, 'privateKey')
  if (scalar.length !== seedLength) {
    const message = `must be ${seedLength} bytes, not ${scalar.length}`
    throw new DecodeError('pqc.key.length', key.offset - scalar.length, 'privateKey', message)
  }
  if (key.is(PARAMETERS)) {
    const parameters = key.enter(PARAMETERS, 'parameters')
    const curve = parameters.oid('namedCurve')
    if (curve !== oid) throw key.error('pqc.key.mismatch', 'parameters', `curve ${curve} in a key of curve ${oid}`)
    parameters.expectEnd('parameters')
  }
  let publicKey: Uint8Array | undefined
  if (key.is(PUBLIC_KEY)) {
    const wrapper = key.enter(PUBLIC_KEY, 'publicKey')
    publicKey = readPublicKey(wrapper, BER.BIT_STRING, publicKeyLength)
    wrapper.expectEnd('publicKey')
  }
  key.expectEnd('ECPrivateKey')
  return { scalar, publicKey }
}

/** A public key beside a private one: whole octets, points uncompressed. Throws `DecodeError` `pqc.key.length`. */
export function readPublicKey(reader: BerReader, tag: number, length: number): Uint8Array {
  const { bytes, unusedBits } = reader.bitString('publicKey', tag)
  if (bytes.length === length && unusedBits === 0) return bytes
  throw reader.error('pqc.key.length', 'publicKey', `must be ${length} bytes, not ${bytes.length}`)
}
