import { DecodeError, Reader, Writer } from '@gridseal/wire'
import { FRAME, FRAME_HEADER, encodeFrame } from '../record/frame.ts'

/** The version of the protocol that is spoken here. */
const PROTOCOL_VERSION = 1

const RANDOM_LENGTH = 32
const FINGERPRINT_LENGTH = 32
const MAX_SUITES = 16

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
  /** The suite that `share` is for. */
  readonly shareSuite: number
  readonly share: Uint8Array
}

/** The answer: the chosen suite and the ciphertext for the key share. */
export interface ServerHello {
  readonly random: Uint8Array
  /** Largest message in bytes that the responder accepts. */
  readonly maxMessage: number
  readonly suite: number
  readonly ciphertext: Uint8Array
}

/** The ClientHello as a frame. */
export function encodeClientHello(hello: ClientHello): Uint8Array {
  const body = new Writer(1800)
    .u8(PROTOCOL_VERSION)
    .bytes(hello.random)
    .bytes(hello.initiator)
    .bytes(hello.responder)
    .u32be(hello.maxMessage)
    .u8(hello.suites.length)
  for (const suite of hello.suites) body.u16be(suite)
  body.u16be(hello.shareSuite).u16be(hello.share.length).bytes(hello.share)
  return encodeFrame(FRAME.clientHello, body.finish())
}

/** Reads a ClientHello frame. Throws {@link DecodeError}, with `channel.version` for another version. */
export function decodeClientHello(frame: Uint8Array): ClientHello {
  const r = new Reader(frame, FRAME_HEADER)
  checkVersion(r)
  const random = r.take(RANDOM_LENGTH, 'random')
  const initiator = r.take(FINGERPRINT_LENGTH, 'initiator')
  const responder = r.take(FINGERPRINT_LENGTH, 'responder')
  const maxMessage = r.u32be('maxMessage')
  const suites = readSuites(r)
  const shareSuite = r.u16be('shareSuite')
  const share = r.take(r.u16be('shareLength'), 'share')
  r.expectEnd('clientHello')
  return { random, initiator, responder, maxMessage, suites, shareSuite, share }
}

/** The ServerHello as a frame. */
export function encodeServerHello(hello: ServerHello): Uint8Array {
  const body = new Writer(1700)
    .u8(PROTOCOL_VERSION)
    .bytes(hello.random)
    .u32be(hello.maxMessage)
    .u16be(hello.suite)
    .u16be(hello.ciphertext.length)
    .bytes(hello.ciphertext)
  return encodeFrame(FRAME.serverHello, body.finish())
}

/** Reads a ServerHello frame. Throws {@link DecodeError}, with `channel.version` for another version. */
export function decodeServerHello(frame: Uint8Array): ServerHello {
  const r = new Reader(frame, FRAME_HEADER)
  checkVersion(r)
  const random = r.take(RANDOM_LENGTH, 'random')
  const maxMessage = r.u32be('maxMessage')
  const suite = r.u16be('suite')
  const ciphertext = r.take(r.u16be('ciphertextLength'), 'ciphertext')
  r.expectEnd('serverHello')
  return { random, maxMessage, suite, ciphertext }
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
