import { DecodeError, Reader, UsageError, Writer } from '@gridseal/wire'

/** Kinds of session (IEC 61850-90-5 8.2, SI) and of payload, by their tags. */
export const SESSION_TAG: Readonly<Record<SessionKind, number>> = {
  tunnelled: 0xa0,
  goose: 0xa1,
  sv: 0xa2,
  management: 0xa3,
}
export const ELEMENT_TAG: Readonly<Record<SessionKind, number>> = {
  goose: 0x81,
  sv: 0x82,
  tunnelled: 0x83,
  management: 0x84,
}
export type SessionKind = 'goose' | 'sv' | 'tunnelled' | 'management'

/** One payload of a session. */
export interface RoutableElement {
  readonly kind: 'goose' | 'sv' | 'management'
  readonly simulation: boolean
  readonly appId: number
  /** The APDU, tag and length included. */
  readonly apdu: Uint8Array
}

/** What secures a session; its key is known by `keyId`. */
export type SessionSecurity =
  /** First edition. encryption: 0 none, 1 AES-128-GCM, 2 AES-256-GCM; signature: 0 none, 1 to 3 HMAC-SHA256, 4, 5 AES-GMAC. */
  | { readonly version: 1; readonly encryption: number; readonly signature: number; readonly keyId: number }
  | { readonly version: 2; readonly keyId: number; readonly iv: Uint8Array }

/** A datagram of R-GOOSE or R-SV, in the clear or not. */
export interface RoutableSession {
  readonly kind: SessionKind
  readonly spduNumber: number
  /** Seconds. */
  readonly timeOfCurrentKey: number
  readonly timeToNextKey: number
  readonly security: SessionSecurity
  /** Undefined where they are encrypted, or tunnelled: `payload` has their octets. */
  readonly elements: readonly RoutableElement[] | undefined
  /** The octets of the user data. */
  readonly payload: Uint8Array
  /** What follows the signature tag 85; undefined without one. */
  readonly signature: Uint8Array | undefined
  /**
   * How lengths are counted: as a relay of GE does it and the standard has it, or as libiec61850 1.6 does, which leaves the
   * security fields out of two of them and adds two to that of an APDU.
   */
  readonly lengths: 'standard' | 'libiec61850'
}

/** CLTP: length indicator 1, unit data. */
const CLTP = 0x0140
const COMMON_HEADER = 0x80
const SIGNATURE = 0x85
/** Octets of SPDU length, number, version, the two times: what stands before the security fields. */
const FIXED = 4 + 4 + 2 + 4 + 2
/** What libiec61850 counts instead, whatever is there. */
const PEER = { li: 24, header: 18, spdu: 20, apdu: 2 } as const

/** Whether a datagram begins as one of R-GOOSE or R-SV. */
export function looksRoutable(bytes: Uint8Array, kind: 'goose' | 'sv'): boolean {
  return bytes.length > 26 && bytes[0] === 1 && bytes[1] === 0x40 && bytes[2] === SESSION_TAG[kind] && bytes[4] === 0x80
}

/** Reads a datagram. Throws `DecodeError`. */
export function decodeRoutable(bytes: Uint8Array): RoutableSession {
  const r = new Reader(bytes)
  if (r.u16be('CLTP') !== CLTP) throw new DecodeError('decode.routable.cltp', 0, 'CLTP', 'no unit data of CLTP')
  const si = r.u8('SI')
  const kind = kindOf(SESSION_TAG, si)
  if (kind === undefined) throw new DecodeError('decode.routable.session', 2, 'SI', `no session 0x${si.toString(16)}`)
  const li = r.u8('LI')
  const tag = r.u8('commonHeader')
  if (tag !== COMMON_HEADER) throw new DecodeError('decode.ber.tag', 4, 'commonHeader', `0x${tag.toString(16)}`)
  const headerLength = r.u8('commonHeaderLength')
  const spduLength = r.u32be('SPDULength')
  const spduStart = r.offset
  const spduNumber = r.u32be('SPDUNumber')
  const version = r.u16be('version')
  const timeOfCurrentKey = r.u32be('timeOfCurrentKey')
  const timeToNextKey = r.i16be('timeToNextKey')
  const securityStart = r.offset
  const security = readSecurity(r, version)
  const securityOctets = r.offset - securityStart
  const userLength = r.u32be('userDataLength')
  const payload = r.take(userLength, 'userData')
  const payloadAt = r.offset - userLength
  const counted = { li, headerLength, spduLength }
  const lengths = lengthsOf(counted, securityOctets, r.offset - spduStart, userLength)
  if (lengths === undefined) throw new DecodeError('decode.length', 3, 'LI', 'lengths that do not fit each other')
  const signature = r.atEnd ? undefined : readSignature(r)
  r.expectEnd('SPDU')
  const sealed = isSealed(security, signature)
  const elements = kind === 'tunnelled' ? undefined : readElements(payload, payloadAt, lengths, sealed)
  return { kind, spduNumber, timeOfCurrentKey, timeToNextKey, security, elements, payload, signature, lengths }
}

function kindOf(tags: Readonly<Record<SessionKind, number>>, tag: number): SessionKind | undefined {
  return (Object.keys(tags) as SessionKind[]).find((kind) => tags[kind] === tag)
}

function readSecurity(r: Reader, version: number): SessionSecurity {
  if (version === 1) {
    const encryption = r.u8('encryption')
    const signature = r.u8('signatureAlgorithm')
    return { version, encryption, signature, keyId: r.u32be('keyID') }
  }
  if (version !== 2) throw r.error('decode.routable.version', 'version', `version ${version}`)
  const keyId = r.u32be('keyID')
  return { version, keyId, iv: r.take(r.u8('ivLength'), 'iv') }
}

/** Which way of counting gives the lengths that are there. */
function lengthsOf(
  { li, headerLength, spduLength }: { readonly li: number; readonly headerLength: number; readonly spduLength: number },
  security: number,
  spdu: number,
  user: number,
): RoutableSession['lengths'] | undefined {
  const header = FIXED + security
  if (li === header + 2 && headerLength === header && spduLength === spdu) return 'standard'
  if (li === PEER.li && headerLength === PEER.header && spduLength === PEER.spdu + user) return 'libiec61850'
  return undefined
}

function readSignature(r: Reader): Uint8Array {
  const tag = r.u8('signature')
  if (tag !== SIGNATURE) throw new DecodeError('decode.ber.tag', r.offset - 1, 'signature', `0x${tag.toString(16)}`)
  return r.take(r.u8('signatureLength'), 'signature')
}

/** Whether what is in a session may be encrypted: version 2 does not tell, but encryption needs an IV and leaves a tag. */
function isSealed(security: SessionSecurity, signature: Uint8Array | undefined): boolean {
  if (security.version === 1) return security.encryption !== 0
  return security.iv.length > 0 && signature !== undefined
}

/** The elements of a payload; undefined where they cannot be read because they are encrypted. */
function readElements(
  payload: Uint8Array,
  base: number,
  lengths: RoutableSession['lengths'],
  sealed: boolean,
): RoutableElement[] | undefined {
  const elements: RoutableElement[] = []
  const r = new Reader(payload, 0, payload.length, base)
  try {
    while (!r.atEnd) {
      const kind = kindOf(ELEMENT_TAG, r.u8('element'))
      if (kind === undefined || kind === 'tunnelled') throw r.error('decode.ber.tag', 'element', 'no payload')
      const simulation = r.u8('simulation')
      if (simulation > 1) throw r.error('decode.range', 'simulation', `${simulation}`)
      const appId = r.u16be('APPID')
      const length = r.u16be('APDULength') - (lengths === 'libiec61850' ? PEER.apdu : 0)
      elements.push({ kind, simulation: simulation === 1, appId, apdu: r.take(length, 'APDU') })
    }
    return elements
  } catch (error) {
    if (error instanceof DecodeError && sealed) return undefined
    throw error
  }
}

/** Writes a datagram; where `elements` are there, they are the payload. Throws `UsageError` for what does not fit. */
export function encodeRoutable(session: RoutableSession): Uint8Array {
  const { kind, spduNumber, timeOfCurrentKey, timeToNextKey, security, elements, signature, lengths } = session
  const payload = elements === undefined ? session.payload : writeElements(elements, lengths)
  const securityOctets = security.version === 1 ? 6 : 5 + security.iv.length
  const header = FIXED + securityOctets
  const isStandard = lengths === 'standard'
  const w = new Writer(64 + payload.length)
  w.u16be(CLTP).u8(SESSION_TAG[kind])
  w.u8(isStandard ? header + 2 : PEER.li)
    .u8(COMMON_HEADER)
    .u8(isStandard ? header : PEER.header)
  w.u32be(isStandard ? FIXED - 4 + securityOctets + 4 + payload.length : PEER.spdu + payload.length)
  w.u32be(spduNumber).u16be(security.version).u32be(timeOfCurrentKey).i16be(timeToNextKey)
  if (security.version === 1) w.u8(security.encryption).u8(security.signature).u32be(security.keyId)
  else w.u32be(security.keyId).u8(security.iv.length).bytes(security.iv)
  w.u32be(payload.length).bytes(payload)
  if (signature !== undefined) w.u8(SIGNATURE).u8(signature.length).bytes(signature)
  return w.finish()
}

function writeElements(elements: readonly RoutableElement[], lengths: RoutableSession['lengths']): Uint8Array {
  const w = new Writer(256)
  for (const { kind, simulation, appId, apdu } of elements) {
    if (apdu.length + PEER.apdu > 0xffff) throw new UsageError('iec61850.routable', `an APDU of ${apdu.length} octets`)
    w.u8(ELEMENT_TAG[kind])
      .u8(simulation ? 1 : 0)
      .u16be(appId)
    w.u16be(apdu.length + (lengths === 'libiec61850' ? PEER.apdu : 0)).bytes(apdu)
  }
  return w.finish()
}
