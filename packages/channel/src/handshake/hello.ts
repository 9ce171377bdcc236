import { DecodeError, Reader, Writer } from '@gridseal/wire'
import { sha256 } from '@gridseal/pqc'
import { FRAME, FRAME_HEADER } from '../record/frame.ts'
import { EXTENSION, readExtensions, writeExtensions } from './extensions.ts'
import type { Extensions } from './extensions.ts'

/** The version of the protocol that is spoken here. */
const PROTOCOL_VERSION = 3

const RANDOM_LENGTH = 32
const FINGERPRINT_LENGTH = 32
const MAX_SUITES = 16
const MAX_KEY_ID = 255
const NOTHING = new Uint8Array(0)

/** How the records of a session are ordered; the value on the wire. */
export const ORDERING: { readonly strict: 0; readonly window: 1; readonly 'greater-than-last': 2 } = {
  strict: 0,
  window: 1,
  'greater-than-last': 2,
}

export type Ordering = keyof typeof ORDERING

/** What an end says of certificates in its hello; where it says nothing, both are false. */
export interface Certificates {
  /** It has a chain to show. */
  readonly shows: boolean
  /** It wants the other's chain. */
  readonly asks: boolean
}

/** Whom an initiator calls that does not know the key which it will be shown a certificate for. */
export const WHOEVER_IS_CERTIFIED: Uint8Array = new Uint8Array(FINGERPRINT_LENGTH)

/** The first message: who calls whom, what is offered, and a key share for the suite that the caller expects. */
export interface ClientHello {
  readonly random: Uint8Array
  /** Fingerprint of the initiator's identity, 32 bytes. */
  readonly initiator: Uint8Array
  /** Fingerprint of the identity that the initiator wants to reach, 32 bytes. */
  readonly responder: Uint8Array
  /** Largest message in bytes that the initiator accepts. */
  readonly maxMessage: number
  /** Suite ids in order of preference, 1 to 16 of them. */
  readonly suites: readonly number[]
  /** The suite whose key agreement `share` is for. */
  readonly shareSuite: number
  readonly share: Uint8Array
  /** From a {@link RetryRequest}. */
  readonly cookie?: Uint8Array | undefined
  /** Names a pre-shared key, 1 to 255 bytes. */
  readonly sharedKey?: Uint8Array | undefined
  readonly ticket?: Uint8Array | undefined
  /** Encapsulated to the responder's static key, as initiator. */
  readonly staticKey?: Uint8Array | undefined
  readonly ordering: Ordering
  readonly certificates?: Certificates | undefined
}

/** A ClientHello as it came, and a digest of all that must be the same in the one after a retry. */
export interface ReceivedClientHello extends ClientHello {
  /** The digest. Few handshakes have a retry that asks for it; not to be called when the frame is gone. */
  readonly fixed: () => Uint8Array
}

/** The answer: the chosen suite and the ciphertext for the key share. */
export interface ServerHello {
  readonly random: Uint8Array
  /** Largest message in bytes that the responder accepts. */
  readonly maxMessage: number
  readonly suite: number
  readonly ciphertext: Uint8Array
  /** The pre-shared key that was named is mixed in. */
  readonly sharedKey: boolean
  /** The ticket was taken: nobody signs. */
  readonly resumed: boolean
  /** Encapsulated to the initiator's static key, as responder. */
  readonly staticKey?: Uint8Array | undefined
  /** `shows`: the responder's auth has its chain; `asks`: the initiator's must have its own. */
  readonly certificates?: Certificates | undefined
}

/** Asks for the ClientHello once more, for this suite and with this cookie. */
export interface RetryRequest {
  readonly suite: number
  readonly cookie: Uint8Array
}

/** The ClientHello as a frame. */
export function encodeClientHello(hello: ClientHello): Uint8Array {
  const w = beginFrame(FRAME.clientHello, 1800 + (hello.staticKey?.length ?? 0))
    .bytes(hello.random)
    .bytes(hello.initiator)
    .bytes(hello.responder)
    .u32be(hello.maxMessage)
    .u8(hello.suites.length)
  for (const suite of hello.suites) w.u16be(suite)
  w.u16be(hello.shareSuite).u16be(hello.share.length).bytes(hello.share)
  writeExtensions(w, [
    [EXTENSION.cookie, hello.cookie],
    [EXTENSION.sharedKey, hello.sharedKey],
    [EXTENSION.ticket, hello.ticket],
    [EXTENSION.staticKey, hello.staticKey],
    [EXTENSION.ordering, hello.ordering === 'strict' ? undefined : Uint8Array.of(ORDERING[hello.ordering])],
    [EXTENSION.certificates, encodeCertificates(hello.certificates)],
  ])
  return finishFrame(w)
}

/** Reads a ClientHello frame. Throws {@link DecodeError}, with `channel.version` for another version. */
export function decodeClientHello(frame: Uint8Array): ReceivedClientHello {
  const r = new Reader(frame, FRAME_HEADER)
  checkVersion(r)
  const random = r.take(RANDOM_LENGTH, 'random')
  const initiator = r.take(FINGERPRINT_LENGTH, 'initiator')
  const responder = r.take(FINGERPRINT_LENGTH, 'responder')
  const maxMessage = r.u32be('maxMessage')
  const suites = readSuites(r)
  const fields = frame.subarray(FRAME_HEADER, r.offset)
  const shareSuite = r.u16be('shareSuite')
  const share = r.take(r.u16be('shareLength'), 'share')
  const at = r.offset
  const extensions = readExtensions(r)
  r.expectEnd('clientHello')
  const sharedKey = extensions.get(EXTENSION.sharedKey)
  if (sharedKey !== undefined && (sharedKey.length === 0 || sharedKey.length > MAX_KEY_ID)) {
    throw new DecodeError('channel.hello.extensions', at, 'sharedKey', `${sharedKey.length} bytes name no key`)
  }
  return {
    random,
    initiator,
    responder,
    maxMessage,
    suites,
    shareSuite,
    share,
    cookie: extensions.get(EXTENSION.cookie),
    sharedKey,
    ticket: extensions.get(EXTENSION.ticket),
    staticKey: extensions.get(EXTENSION.staticKey),
    ordering: readOrdering(extensions.get(EXTENSION.ordering), at),
    certificates: readCertificates(extensions, at),
    fixed: () => fixedDigest(fields, extensions),
  }
}

/** The ServerHello as a frame. */
export function encodeServerHello(hello: ServerHello): Uint8Array {
  const w = beginFrame(FRAME.serverHello, 1700 + (hello.staticKey?.length ?? 0))
    .bytes(hello.random)
    .u32be(hello.maxMessage)
    .u16be(hello.suite)
    .u16be(hello.ciphertext.length)
    .bytes(hello.ciphertext)
  writeExtensions(w, [
    [EXTENSION.sharedKey, hello.sharedKey ? NOTHING : undefined],
    [EXTENSION.ticket, hello.resumed ? NOTHING : undefined],
    [EXTENSION.staticKey, hello.staticKey],
    [EXTENSION.certificates, encodeCertificates(hello.certificates)],
  ])
  return finishFrame(w)
}

/** Reads a ServerHello frame. Throws {@link DecodeError}, with `channel.version` for another version. */
export function decodeServerHello(frame: Uint8Array): ServerHello {
  const r = new Reader(frame, FRAME_HEADER)
  checkVersion(r)
  const random = r.take(RANDOM_LENGTH, 'random')
  const maxMessage = r.u32be('maxMessage')
  const suite = r.u16be('suite')
  const ciphertext = r.take(r.u16be('ciphertextLength'), 'ciphertext')
  const at = r.offset
  const extensions = readExtensions(r)
  r.expectEnd('serverHello')
  for (const [type, value] of extensions) {
    const flag = type === EXTENSION.sharedKey || type === EXTENSION.ticket
    if (type === EXTENSION.staticKey || type === EXTENSION.certificates || (flag && value.length === 0)) continue
    throw new DecodeError('channel.hello.extensions', at, 'extensions', `extension ${type} was not asked for`)
  }
  return {
    random,
    maxMessage,
    suite,
    ciphertext,
    sharedKey: extensions.has(EXTENSION.sharedKey),
    resumed: extensions.has(EXTENSION.ticket),
    staticKey: extensions.get(EXTENSION.staticKey),
    certificates: readCertificates(extensions, at),
  }
}

/** The HelloRetryRequest as a frame. */
export function encodeRetryRequest({ suite, cookie }: RetryRequest): Uint8Array {
  return finishFrame(
    beginFrame(FRAME.retryRequest, 10 + cookie.length)
      .u16be(suite)
      .u16be(cookie.length)
      .bytes(cookie),
  )
}

/** Reads a HelloRetryRequest frame. Throws {@link DecodeError}. */
export function decodeRetryRequest(frame: Uint8Array): RetryRequest {
  const r = new Reader(frame, FRAME_HEADER)
  checkVersion(r)
  const suite = r.u16be('suite')
  const cookie = r.take(r.u16be('cookieLength'), 'cookie')
  r.expectEnd('retryRequest')
  return { suite, cookie }
}

/** A frame that says which version it is of; `length` bytes are expected in all. */
function beginFrame(type: number, length: number): Writer {
  return new Writer(length).u8(type).u32be(0).u8(PROTOCOL_VERSION)
}

function finishFrame(w: Writer): Uint8Array {
  return w.patchU32be(1, w.length - FRAME_HEADER).finish()
}

/** What follows the version depends on it, so nothing is read under another one. */
function checkVersion(r: Reader): void {
  const at = r.offset
  const version = r.u8('version')
  if (version === PROTOCOL_VERSION) return
  const message = `the peer speaks version ${version} of the channel protocol, this is version ${PROTOCOL_VERSION}`
  throw new DecodeError('channel.version', at, 'version', message, { version })
}

function readSuites(r: Reader): number[] {
  const at = r.offset
  const count = r.u8('suiteCount')
  if (count === 0 || count > MAX_SUITES) {
    throw new DecodeError('channel.hello.suites', at, 'suiteCount', `${count} suites, must be 1 to ${MAX_SUITES}`)
  }
  const suites: number[] = []
  for (let i = 0; i < count; i++) {
    const suite = r.u16be('suites')
    if (suites.includes(suite)) {
      throw new DecodeError('channel.hello.suites', r.offset - 2, 'suites', `suite ${suite} is listed twice`)
    }
    suites.push(suite)
  }
  return suites
}

function readOrdering(value: Uint8Array | undefined, at: number): Ordering {
  if (value === undefined) return 'strict'
  if (value.length === 1 && value[0] === ORDERING.window) return 'window'
  if (value.length === 1 && value[0] === ORDERING['greater-than-last']) return 'greater-than-last'
  throw new DecodeError('channel.hello.extensions', at, 'ordering', 'the ordering is not one of those that exist')
}

function encodeCertificates(certificates: Certificates | undefined): Uint8Array | undefined {
  const { shows = false, asks = false } = certificates ?? {}
  return shows || asks ? Uint8Array.of((shows ? 1 : 0) | (asks ? 2 : 0)) : undefined
}

function readCertificates(extensions: Extensions, at: number): Certificates | undefined {
  const value = extensions.get(EXTENSION.certificates)
  if (value === undefined) return undefined
  const [flags = 0] = value
  if (value.length === 1 && flags >= 1 && flags <= 3) return { shows: (flags & 1) !== 0, asks: (flags & 2) !== 0 }
  throw new DecodeError('channel.hello.extensions', at, 'certificates', 'what it says of certificates has no meaning')
}

/** Over everything but the share and the cookie, which a retry changes. */
function fixedDigest(fields: Uint8Array, extensions: Extensions): Uint8Array {
  const parts = [fields]
  for (const [type, value] of extensions) {
    if (type === EXTENSION.cookie) continue
    parts.push(Uint8Array.of(type, value.length >>> 8, value.length), value)
  }
  return sha256(...parts)
}
