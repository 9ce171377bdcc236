import { AuthError, DecodeError, Reader, Writer } from '@gridseal/wire'
import { equalBytes } from '@gridseal/pqc'
import type { VerifyingKey } from '@gridseal/pqc'
import { CONTENT } from '../record/content.ts'
import { PROOF_LENGTH, finishedProof, signatureInput } from './key-schedule.ts'
import type { Role } from './key-schedule.ts'
import type { GivenTicket } from './ticket.ts'
import { extend } from './transcript.ts'

/*
 * The contents of the handshake's sealed records.
 *
 * auth:    01 || signatureLength u16 || signature || finished (32). The signature is over the transcript before it;
 *          the Finished over the transcript with it. Who has a static KEM key, and both ends of a resumed session,
 *          send an empty signature: the master secret itself proves who they are.
 * confirm: 02 || proof (32), and where the responder gives a ticket, life u32 (s) || ticket.
 */

const SIGNATURE_AT = 3

/** A content that was made, and the transcript after it. */
export interface Proof {
  readonly content: Uint8Array
  readonly transcript: Uint8Array
}

/** The sender's `auth`, from a signature over `signatureInput(role, transcript)`. */
export function makeAuth(master: Uint8Array, role: Role, transcript: Uint8Array, signature: Uint8Array): Proof {
  const content = new Uint8Array(SIGNATURE_AT + signature.length + PROOF_LENGTH)
  content[0] = CONTENT.auth
  return { content, transcript: finish(content, 1, 0, signature, master, role, transcript) }
}

/** A content that begins with `head`, which is in the transcript already, and goes on as `auth` does after its kind. */
export function makeSigned(
  head: Uint8Array,
  master: Uint8Array,
  role: Role,
  transcript: Uint8Array,
  signature: Uint8Array,
): Proof {
  const content = new Uint8Array(head.length + 2 + signature.length + PROOF_LENGTH)
  content.set(head)
  return { content, transcript: finish(content, head.length, head.length, signature, master, role, transcript) }
}

/** Writes signature and Finished to `at`; the transcript takes in what is new from `from` on, and is returned. */
function finish(
  content: Uint8Array,
  at: number,
  from: number,
  signature: Uint8Array,
  master: Uint8Array,
  role: Role,
  transcript: Uint8Array,
): Uint8Array {
  content[at] = signature.length >>> 8
  content[at + 1] = signature.length
  content.set(signature, at + 2)
  const end = at + 2 + signature.length
  const signed = extend(transcript, content.subarray(from, end))
  content.set(finishedProof(master, role, signed), end)
  return extend(signed, content.subarray(end))
}

/**
 * Checks the peer's `auth`, which is signed where there is a key, and returns the transcript after it. Throws {@link AuthError}
 * `channel.handshake.finished` or `channel.handshake.signature`, and {@link DecodeError}.
 */
export function checkAuth(
  content: Uint8Array,
  key: VerifyingKey | undefined,
  master: Uint8Array,
  role: Role,
  transcript: Uint8Array,
): Uint8Array {
  const r = new Reader(content)
  expectKind(r, CONTENT.auth)
  return checkSigned(content, r, () => key, master, role, transcript, 0)
}

/**
 * Checks signature and Finished, which are next in `r`; `transcript` is what was signed, and takes in the content from
 * `from` on. The Finished comes first: it costs a hash, the signature and whatever `keyOf` checks a hundred times as
 * much. Throws as {@link checkAuth} and `keyOf` do.
 */
export function checkSigned(
  content: Uint8Array,
  r: Reader,
  keyOf: () => VerifyingKey | undefined,
  master: Uint8Array,
  role: Role,
  transcript: Uint8Array,
  from: number = r.offset,
): Uint8Array {
  const signature = r.take(r.u16be('signatureLength'), 'signature')
  const signed = extend(transcript, content.subarray(from, r.offset))
  const finished = r.take(PROOF_LENGTH, 'finished')
  r.expectEnd('auth')
  if (!equalBytes(finished, finishedProof(master, role, signed))) {
    throw new AuthError('channel.handshake.finished', `the ${role} does not have the same keys and transcript`)
  }
  const key = keyOf()
  if (key === undefined) {
    if (signature.length > 0) throw new AuthError('channel.handshake.signature', `the ${role} signs unasked`)
  } else if (!key.verify(signatureInput(role, transcript), signature)) {
    const message = `the ${role} has not signed with the key ${key.fingerprintText}`
    throw new AuthError('channel.handshake.signature', message, { peer: key.fingerprintText })
  }
  return extend(signed, finished)
}

/** The responder's `confirm` with its proof of the whole transcript, and a ticket where it gives one. */
export function makeConfirm(proof: Uint8Array, given?: GivenTicket): Uint8Array {
  const w = new Writer(1 + PROOF_LENGTH + 4 + (given?.ticket.length ?? 0)).u8(CONTENT.confirm).bytes(proof)
  if (given !== undefined) w.u32be(given.life).bytes(given.ticket)
  return w.finish()
}

/**
 * Checks the responder's `confirm`, and returns the ticket that is in it. Throws {@link AuthError}
 * `channel.handshake.confirm` and {@link DecodeError}.
 */
export function checkConfirm(content: Uint8Array, expected: Uint8Array): GivenTicket | undefined {
  const r = new Reader(content)
  expectKind(r, CONTENT.confirm)
  if (!equalBytes(r.take(PROOF_LENGTH, 'proof'), expected)) {
    throw new AuthError('channel.handshake.confirm', 'the responder does not have the same transcript')
  }
  if (r.atEnd) return undefined
  const life = r.u32be('life')
  r.need(1, 'ticket')
  return { life, ticket: r.rest().slice() }
}

/** Reads the kind. Contents of the traffic phase cannot get here: their keys are not in use yet. */
export function expectKind(r: Reader, kind: number): void {
  const got = r.u8('kind')
  if (got !== kind) throw new DecodeError('channel.content', 0, 'kind', `${got} instead of ${kind}`)
}
