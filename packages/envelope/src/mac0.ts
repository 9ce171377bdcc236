import type { MacKey } from '@gridseal/pqc'
import { equalBytes } from '@gridseal/pqc'
import { AuthError } from '@gridseal/wire'
import { CborReader } from './cbor/reader.ts'
import { CborWriter } from './cbor/writer.ts'

/** HMAC algorithms of COSE (RFC 9053 3.1). */
export type MacAlgorithm = 'HMAC-256/64' | 'HMAC-256/256'

const ALGORITHMS: Readonly<Record<MacAlgorithm, { cose: number; tagLength: number }>> = {
  'HMAC-256/64': { cose: 4, tagLength: 8 },
  'HMAC-256/256': { cose: 5, tagLength: 32 },
}
const TAG_MAC0 = 17
const EMPTY = new Uint8Array(0)

export function macNumber(algorithm: MacAlgorithm): number {
  return ALGORITHMS[algorithm].cose
}

/** The MAC algorithm of a COSE number, or undefined. */
export function macAlgorithm(cose: number): MacAlgorithm | undefined {
  if (cose === 4) return 'HMAC-256/64'
  return cose === 5 ? 'HMAC-256/256' : undefined
}

/** A tagged COSE_Mac0 (RFC 9052 6.2) with an empty unprotected header. `protectedHeader` is an encoded map. */
export function writeMac0(
  algorithm: MacAlgorithm,
  key: MacKey,
  protectedHeader: Uint8Array,
  payload: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const w = new CborWriter(protectedHeader.length + payload.length + 64)
  w.tag(TAG_MAC0).array(4).bytes(protectedHeader).map(0).bytes(payload)
  return w.bytes(tagOf(algorithm, key, protectedHeader, payload)).finish()
}

/** A COSE_Mac0 taken apart, nothing verified. Views of the message. */
export interface RawMac0 {
  readonly protectedHeader: Uint8Array
  readonly payload: Uint8Array
  readonly tag: Uint8Array
}

/** Throws `DecodeError`. */
export function decodeMac0(bytes: Uint8Array): RawMac0 {
  const r = new CborReader(bytes)
  if (r.tag('tag') !== TAG_MAC0) throw r.error('envelope.tag', 'tag', 'not a tagged COSE_Mac0')
  r.fixedArray(4, 'COSE_Mac0')
  const protectedHeader = r.bytes('protected')
  if (r.map('unprotected') !== 0) throw r.error('envelope.header', 'unprotected', 'must be empty')
  const payload = r.bytes('payload')
  const tag = r.bytes('tag')
  r.expectEnd('end')
  return { protectedHeader, payload, tag }
}

/** Throws `AuthError` `envelope.mac` unless the tag is that of this key, at the full length of the algorithm. */
export function checkMac0(algorithm: MacAlgorithm, key: MacKey, { protectedHeader, payload, tag }: RawMac0): void {
  if (!equalBytes(tag, tagOf(algorithm, key, protectedHeader, payload))) {
    throw new AuthError('envelope.mac', 'the MAC does not cover this message')
  }
}

function tagOf(algorithm: MacAlgorithm, key: MacKey, protectedHeader: Uint8Array, payload: Uint8Array): Uint8Array {
  const w = new CborWriter(protectedHeader.length + payload.length + 24)
  w.array(4).text('MAC0').bytes(protectedHeader).bytes(EMPTY).bytes(payload)
  return key.hmacSha256(w.view()).subarray(0, ALGORITHMS[algorithm].tagLength)
}
