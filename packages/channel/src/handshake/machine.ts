import { ProtocolError } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'
import { VerifyingKey } from '@gridseal/pqc'
import type { Certificate } from '@gridseal/pqc'
import { ALERT, alertReceived } from '../alert.ts'
import { asGridsealError } from '../failure.ts'
import { importKeys } from '../record/epoch.ts'
import { FRAME, FRAME_HEADER, encodeFrame, frameName } from '../record/frame.ts'
import { openRecord, sealContent } from '../record/record.ts'
import { CertificateTrust } from '../identity/certificate-trust.ts'
import { MAX_CHAIN } from '../identity/certificate-chain.ts'
import type { CertifiedKey } from '../identity/certified-key.ts'
import type { ExpectedPeer, PeerIdentity } from '../identity/identity.ts'
import { checkAuth, checkProof, finish, proofFrame, signedAuth } from './auth.ts'
import type { FinishedOf, Signed } from './auth.ts'
import { certifiedTranscript, checkCertifiedAuth, signedCertifiedAuth } from './certified-auth.ts'
import { signatureInput } from './key-schedule.ts'
import type { FinalSecrets, HandshakeSecrets, Role } from './key-schedule.ts'
import type { Suite } from './suites.ts'
import type { GivenTicket } from './ticket.ts'

/*
 * What both handshake machines share. A machine is a pure function of its configuration, its state and an input; all
 * it wants done it returns as effects. Randomness comes in with the configuration.
 */

/** Largest body of a frame before the peer is known, in bytes. */
export const HANDSHAKE_LIMIT = 8192
/** The same while certificates are waited for. */
export const CERTIFIED_LIMIT: number = HANDSHAKE_LIMIT + MAX_CHAIN

/** What happens to a machine. */
export type HandshakeInput =
  /** A whole frame arrived. */
  | { readonly kind: 'frame'; readonly frame: Uint8Array }
  /** The signature of the last `sign` effect. */
  | { readonly kind: 'signed'; readonly signature: Uint8Array }
  /** The pre-shared key of the last `find-key` effect; undefined where there is none of that name. */
  | { readonly kind: 'key-found'; readonly key: Uint8Array | undefined }
  /** The time for the whole handshake is over. */
  | { readonly kind: 'timeout' }
  /** Something outside the machine failed: the connection, the frame layer, the signer. */
  | { readonly kind: 'failed'; readonly error: GridsealError; readonly alert: boolean }

/** What a machine wants done, in order. */
export type HandshakeEffect =
  | { readonly kind: 'send'; readonly frame: Uint8Array }
  /** Sign with the identity's key; `signed` brings the result. */
  | { readonly kind: 'sign'; readonly message: Uint8Array }
  /** Look a pre-shared key up that the initiator of this fingerprint has named; `key-found` brings the result. */
  | { readonly kind: 'find-key'; readonly id: Uint8Array; readonly initiator: Uint8Array }
  /** Frames may have bodies of so many bytes from here on. */
  | { readonly kind: 'frame-limit'; readonly bytes: number }
  /** Overwrite secrets that are not needed any more. */
  | { readonly kind: 'wipe'; readonly secrets: readonly Uint8Array[] }
  | { readonly kind: 'established'; readonly session: Session }
  | { readonly kind: 'fail'; readonly error: GridsealError }

/** What the record layer needs to go on. */
export interface Session {
  readonly role: Role
  readonly peer: PeerIdentity
  /** The initiator's random, which names the session in a key log. */
  readonly random: Uint8Array
  /** What the peer has shown to be who it is, where it is not pinned. */
  readonly certificate: Certificate | undefined
  /** Where certificates were shown the session is not resumed. */
  readonly resumable: boolean
  readonly suite: Suite
  /** Whether a ticket stood in for identities: nobody has signed. */
  readonly resumed: boolean
  /** When the two last proved who they are, ms since 1970 by the responder's clock; 0 at the initiator. */
  readonly authenticated: number
  /** Largest message in bytes that the peer accepts. */
  readonly peerMaxMessage: number
  readonly sendSecret: Uint8Array
  readonly receiveSecret: Uint8Array
  /** Root of the fresh key agreements within the session. */
  readonly ratchet: Uint8Array
  /** What a ticket of this session is good with. */
  readonly resumption: Uint8Array
  /** What the responder has given to the initiator; undefined where it gave none, and at the responder. */
  readonly ticket: GivenTicket | undefined
}

/** What follows from an input. */
export interface Step<State> {
  readonly state: State
  readonly effects: readonly HandshakeEffect[]
}

/** Both ends have the same keys, which nobody has vouched for yet; the transcript goes on beside it. */
export interface Keyed {
  /** Who the peer must prove to be. */
  readonly peer: ExpectedPeer
  /** The initiator's random, a copy. */
  readonly random: Uint8Array
  /** What we shall show, where the peer has asked for it. */
  readonly shown: CertifiedKey | undefined
  readonly suite: Suite
  readonly resumed: boolean
  readonly authenticated: number
  readonly peerMaxMessage: number
  readonly secrets: HandshakeSecrets
}

/** A content as the record with this number of the handshake. */
export function seal({ secrets, suite }: Keyed, role: Role, sequence: number, content: Uint8Array): Uint8Array {
  return sealContent(importKeys(secrets[role], suite.cipher), sequence, content)
}

/** The content of the record with this number of the handshake. Throws as `openRecord` does. */
export function open({ secrets, suite }: Keyed, role: Role, sequence: number, frame: Uint8Array): Uint8Array {
  return openRecord(importKeys(secrets[role], suite.cipher), sequence, frame)
}

/** The ends of a machine; every input is without effect there. */
export type Finished = { readonly at: 'established' } | { readonly at: 'failed' }

/**
 * Takes an input: the ends of a handshake, which are the same everywhere, are handled here, all else by `advance`.
 * What `advance` throws fails the handshake with one alert that says nothing.
 */
export function takeInput<State extends { readonly at: string }>(
  state: State | Finished,
  input: HandshakeInput,
  advance: (state: State, input: HandshakeInput) => Step<State | Finished>,
): Step<State | Finished> {
  if (isFinished(state)) return { state, effects: [] }
  if (input.kind === 'timeout') {
    const error = new ProtocolError('channel.handshake.timeout', 'the handshake took too long')
    return failed(state, error, true)
  }
  if (input.kind === 'failed') return failed(state, input.error, input.alert)
  if (input.kind === 'frame' && input.frame[0] === FRAME.alert) {
    return failed(state, alertReceived(input.frame[FRAME_HEADER]), false)
  }
  try {
    return advance(state, input)
  } catch (error) {
    return failed(state, asGridsealError(error), true)
  }
}

/** A peer that has proven who it is. */
export interface Who {
  readonly peer: PeerIdentity
  readonly certificate: Certificate | undefined
}

/** {@link Who}, and the transcript after the proof. */
export interface Proven extends Who {
  readonly transcript: Uint8Array
}

/**
 * Checks what proves the peer in role `role`, which is the next input: the Finished of who does not sign, else an auth by the
 * key that is pinned or by certificates. Throws as these do, and as {@link expectFrame} and {@link open} do.
 */
export function checkPeer(
  input: HandshakeInput,
  keyed: Keyed,
  role: Role,
  transcript: Uint8Array,
  finishedOf: FinishedOf,
): Proven {
  const { peer, resumed } = keyed
  const where = `in place of what proves the ${role}`
  if (peer instanceof CertificateTrust) {
    const content = open(keyed, role, 0, expectFrame(input, FRAME.record, where))
    const { key, leaf, transcript: after } = checkCertifiedAuth(content, peer, role, transcript, finishedOf)
    return { peer: key, certificate: leaf, transcript: after }
  }
  if (peer instanceof VerifyingKey && !resumed) {
    const content = open(keyed, role, 0, expectFrame(input, FRAME.record, where))
    return { peer, certificate: undefined, transcript: checkAuth(content, peer, role, transcript, finishedOf) }
  }
  // A static key proves itself by what it could open, and in a resumed session nobody signs.
  checkProof(expectFrame(input, FRAME.proof, where), finishedOf(transcript), 'channel.handshake.finished')
  return { peer, certificate: undefined, transcript }
}

/** What to sign in role `role`, and the transcript that is signed. */
export function toSign(
  role: Role,
  { shown }: Keyed,
  transcript: Uint8Array,
): { message: Uint8Array; transcript: Uint8Array } {
  const signed = shown === undefined ? transcript : certifiedTranscript(transcript, shown.encoded)
  return { message: signatureInput(role, signed), transcript: signed }
}

/** Our auth without its Finished, from the signature over {@link toSign}; undefined where we do not sign. */
export function signed(
  { shown }: Keyed,
  transcript: Uint8Array,
  signature: Uint8Array | undefined,
): Signed | undefined {
  if (signature === undefined) return undefined
  return shown === undefined
    ? signedAuth(transcript, signature)
    : signedCertifiedAuth(transcript, signature, shown.encoded)
}

/** The frame that proves who we are, in role `role`: by an auth where there is one, by the Finished alone where not. */
export function proveOurselves(keyed: Keyed, role: Role, auth: Signed | undefined, finished: Uint8Array): Uint8Array {
  return auth === undefined ? proofFrame(finished) : seal(keyed, role, 0, finish(auth, finished))
}

/** What a handshake leaves behind. */
export function sessionOf(
  role: Role,
  keyed: Keyed,
  { peer, certificate }: Who,
  { initiator, responder, ratchet, resumption }: FinalSecrets,
  ticket?: GivenTicket,
): Session {
  const { suite, resumed, authenticated, peerMaxMessage, random } = keyed
  return {
    role,
    peer,
    random,
    certificate,
    resumable: isResumable(keyed, certificate),
    suite,
    resumed,
    authenticated,
    peerMaxMessage,
    sendSecret: role === 'initiator' ? initiator : responder,
    receiveSecret: role === 'initiator' ? responder : initiator,
    ratchet,
    resumption,
    ticket,
  }
}

/** Who was shown certificates, or has shown some, has to do so again. */
export function isResumable({ shown }: Keyed, certificate: Certificate | undefined): boolean {
  return certificate === undefined && shown === undefined
}

/** The frame of type `type`, or {@link ProtocolError} `channel.unexpected`. */
export function expectFrame(input: HandshakeInput, type: number, where: string): Uint8Array {
  if (input.kind === 'frame' && input.frame[0] === type) return input.frame
  throw unexpected(input, where)
}

/** The signature that was asked for, or {@link ProtocolError} `channel.unexpected`. */
export function expectSigned(input: HandshakeInput, where: string): Uint8Array {
  if (input.kind === 'signed') return input.signature
  throw unexpected(input, where)
}

/** The look-up that was asked for, or {@link ProtocolError} `channel.unexpected`. */
export function expectKey(input: HandshakeInput, where: string): Uint8Array | undefined {
  if (input.kind === 'key-found') return input.key
  throw unexpected(input, where)
}

function unexpected(input: HandshakeInput, where: string): ProtocolError {
  const what = input.kind === 'frame' ? frameName(input.frame[0] ?? 0) : input.kind
  return new ProtocolError('channel.unexpected', `${what} does not belong ${where}`, { what, where })
}

function isFinished(state: object): state is Finished {
  return 'at' in state && (state.at === 'established' || state.at === 'failed')
}

function failed(state: object, error: GridsealError, alert: boolean): Step<Finished> {
  const effects: HandshakeEffect[] = []
  if (alert) effects.push({ kind: 'send', frame: encodeFrame(FRAME.alert, Uint8Array.of(ALERT.handshakeFailed)) })
  if ('keyed' in state) effects.push({ kind: 'wipe', secrets: [(state.keyed as Keyed).secrets.all] })
  if ('final' in state) effects.push({ kind: 'wipe', secrets: [(state.final as FinalSecrets).all] })
  effects.push({ kind: 'fail', error })
  return { state: { at: 'failed' }, effects }
}
