import { AuthError, DecodeError, Reader, Writer } from '@gridseal/wire'
import { equalBytes } from '@gridseal/pqc'
import type { VerifyingKey } from '@gridseal/pqc'
import { CONTENT } from '../record/content.ts'
import { FRAME, encodeFrame } from '../record/frame.ts'
import { PROOF_LENGTH, signatureInput } from './key-schedule.ts'
import type { Role } from './key-schedule.ts'
import type { GivenTicket } from './ticket.ts'
import { extend } from './transcript.ts'

/*
 * What proves who an end is and that it has the keys.
 *
 * A proof frame has 32 bytes and nothing else: the Finished of who does not sign, because its key is a static KEM key or the
 * session is resumed, and the confirm that has no ticket with it. What more there is to say is sealed:
 *
 * auth:    01 || signatureLength u16 || signature || finished (32). The signature is over the transcript before it, which
 *          takes in all but the Finished.
 * confirm: 02 || proof (32) || life u32 (s) || ticket.
 */

const SIGNATURE_AT = 3

/** A proof by itself, as a frame. */
export function proofFrame(proof: Uint8Array): Uint8Array {
  return encodeFrame(FRAME.proof, proof)
}

/** Throws {@link AuthError} with `code` where a frame is not the {@link proofFrame} that is expected, byte for byte. */
export function checkProof(frame: Uint8Array, expected: Uint8Array, code: ProofError): void {
  if (!equalBytes(frame, proofFrame(expected))) throw unproven(code)
}

type ProofError = 'channel.handshake.finished' | 'channel.handshake.confirm'

function unproven(code: ProofError): AuthError {
  return new AuthError(code, 'the peer does not have the same keys and transcript')
}

/** The `auth` without its Finished, and the transcript after it. */
export interface Signed {
  /** The last 32 bytes are free. */
  readonly content: Uint8Array
  readonly transcript: Uint8Array
}

/** An `auth` from a signature over `signatureInput(role, transcript)`. */
export function signedAuth(transcript: Uint8Array, signature: Uint8Array): Signed {
  const content = new Uint8Array(SIGNATURE_AT + signature.length + PROOF_LENGTH)
  content[0] = CONTENT.auth
  return { content, transcript: writeSignature(content, 1, 0, signature, transcript) }
}

/** Writes a signature to `at`, before the Finished; the transcript takes in what is new from `from` on, and is returned. */
export function writeSignature(
  content: Uint8Array,
  at: number,
  from: number,
  signature: Uint8Array,
  transcript: Uint8Array,
): Uint8Array {
  content[at] = signature.length >>> 8
  content[at + 1] = signature.length
  content.set(signature, at + 2)
  return extend(transcript, content.subarray(from, content.length - PROOF_LENGTH))
}

/** The content of a {@link Signed} with its Finished. */
export function finish({ content }: Signed, finished: Uint8Array): Uint8Array {
  content.set(finished, content.length - PROOF_LENGTH)
  return content
}

/** The Finished that a peer should have sent with this transcript. */
export type FinishedOf = (transcript: Uint8Array) => Uint8Array

/**
 * Checks the peer's `auth`, and returns the transcript after it. Throws {@link AuthError} `channel.handshake.finished` or
 * `channel.handshake.signature`, and {@link DecodeError}.
 */
export function checkAuth(
  content: Uint8Array,
  key: VerifyingKey,
  role: Role,
  transcript: Uint8Array,
  finishedOf: FinishedOf,
): Uint8Array {
  const r = new Reader(content)
  expectKind(r, CONTENT.auth)
  return checkSigned(content, r, () => key, role, transcript, finishedOf, 0)
}

/**
 * Checks signature and Finished, which are next in `r`; `transcript` is what was signed, and takes in the content from
 * `from` on. The Finished comes first: it costs a hash, the signature and whatever `keyOf` checks a hundred times as
 * much. Throws as {@link checkAuth} and `keyOf` do.
 */
export function checkSigned(
  content: Uint8Array,
  r: Reader,
  keyOf: () => VerifyingKey,
  role: Role,
  transcript: Uint8Array,
  finishedOf: FinishedOf,
  from: number = r.offset,
): Uint8Array {
  const signature = r.take(r.u16be('signatureLength'), 'signature')
  const signed = extend(transcript, content.subarray(from, r.offset))
  const finished = r.take(PROOF_LENGTH, 'finished')
  r.expectEnd('auth')
  if (!equalBytes(finished, finishedOf(signed))) throw unproven('channel.handshake.finished')
  const key = keyOf()
  if (!key.verify(signatureInput(role, transcript), signature)) {
    const message = `the ${role} has not signed with the key ${key.fingerprintText}`
    throw new AuthError('channel.handshake.signature', message, { peer: key.fingerprintText })
  }
  return signed
}

/** The responder's `confirm` where it gives a ticket. */
export function makeConfirm(proof: Uint8Array, { life, ticket }: GivenTicket): Uint8Array {
  return new Writer(1 + PROOF_LENGTH + 4 + ticket.length)
    .u8(CONTENT.confirm)
    .bytes(proof)
    .u32be(life)
    .bytes(ticket)
    .finish()
}

/**
 * Checks the responder's `confirm`, and returns the ticket that is in it. Throws {@link AuthError}
 * `channel.handshake.confirm` and {@link DecodeError}.
 */
export function checkConfirm(content: Uint8Array, expected: Uint8Array): GivenTicket {
  const r = new Reader(content)
  expectKind(r, CONTENT.confirm)
  if (!equalBytes(r.take(PROOF_LENGTH, 'proof'), expected)) throw unproven('channel.handshake.confirm')
  const life = r.u32be('life')
  r.need(1, 'ticket')
  return { life, ticket: r.rest().slice() }
}

/** Reads the kind. Contents of the traffic phase cannot get here: their keys are not in use yet. */
export function expectKind(r: Reader, kind: number): void {
  const got = r.u8('kind')
  if (got !== kind) throw new DecodeError('channel.content', 0, 'kind', `${got} instead of ${kind}`)
}
