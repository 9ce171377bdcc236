import { chKemKdf } from '@gridseal/pqc'
import { KEY_AND_IV_LENGTH, SECRET_LENGTH } from '../record/epoch.ts'

/*
 * From the KEM's secret to the traffic secrets. KDF is SHAKE256 over the label and the length-prefixed inputs
 * (`chKemKdf`). The KEM's secret itself is never a key.
 */

/** Who sends: labels differ, so nothing made by one end is accepted as the other's. */
export type Role = 'initiator' | 'responder'

const MASTER_LENGTH = 64
/** Bytes of a Finished or of the confirmation. */
export const PROOF_LENGTH = 32

/** Where the parts of {@link HandshakeSecrets} begin. */
const AT_FINISHED = MASTER_LENGTH
const AT_INITIATOR = AT_FINISHED + PROOF_LENGTH
const AT_RESPONDER = AT_INITIATOR + KEY_AND_IV_LENGTH
const AT_END = AT_RESPONDER + KEY_AND_IV_LENGTH

const LABEL = 'gridseal-channel-3 '
/** Made once: to look a label up that is made anew takes longer than to write it. */
const LABEL_MASTER = `${LABEL}master secret`
const LABEL_SESSION = `${LABEL}session`
const LABEL_REKEY = `${LABEL}rekey`

/** What goes into the master secret, each of them empty where a handshake does not have it. */
export interface Secrets {
  /** From the fresh key agreement of this session: always there. */
  readonly shared: Uint8Array
  /** From what was encapsulated to the responder's static key. */
  readonly toResponder?: Uint8Array | undefined
  /** From what was encapsulated to the initiator's static key. */
  readonly toInitiator?: Uint8Array | undefined
  /** The pre-shared key. */
  readonly sharedKey?: Uint8Array | undefined
  /** The resumption secret of an earlier session. */
  readonly resumption?: Uint8Array | undefined
}

const NOTHING = new Uint8Array(0)

/** What a key agreement comes to: parts of one buffer, so that all are overwritten together. */
export interface HandshakeSecrets {
  /** The whole buffer. */
  readonly all: Uint8Array
  readonly master: Uint8Array
  /** The responder's Finished: it has the master secret and the transcript through the hellos. */
  readonly finished: Uint8Array
  /** What the roles' handshake records are sealed under: key || IV. */
  readonly initiator: Uint8Array
  readonly responder: Uint8Array
}

/**
 * The master secret and what follows from it at once; `transcript` runs through the ServerHello. Overwrites what was made
 * for this handshake alone.
 */
export function handshakeSecrets(secrets: Secrets, transcript: Uint8Array): HandshakeSecrets {
  const { shared, toResponder, toInitiator, sharedKey, resumption } = secrets
  const inputs = [
    shared,
    toResponder ?? NOTHING,
    toInitiator ?? NOTHING,
    sharedKey ?? NOTHING,
    resumption ?? NOTHING,
    transcript,
  ]
  const all = chKemKdf(LABEL_MASTER, inputs, AT_END)
  for (const secret of [shared, toResponder, toInitiator]) secret?.fill(0)
  return {
    all,
    master: all.subarray(0, AT_FINISHED),
    finished: all.subarray(AT_FINISHED, AT_INITIATOR),
    initiator: all.subarray(AT_INITIATOR, AT_RESPONDER),
    responder: all.subarray(AT_RESPONDER),
  }
}

/** What a session begins with, and what a fresh key agreement within it replaces. */
export interface SessionSecrets {
  /** Of the first traffic epoch of what the role sends. */
  readonly initiator: Uint8Array
  readonly responder: Uint8Array
  /** Root of the next fresh key agreement. */
  readonly ratchet: Uint8Array
}

/** What both ends have when they have the same whole transcript: parts of one buffer. */
export interface FinalSecrets extends SessionSecrets {
  /** The whole buffer. */
  readonly all: Uint8Array
  /** For the tickets of later sessions. */
  readonly resumption: Uint8Array
  /** The initiator's Finished: it has the master secret and the whole transcript. */
  readonly finished: Uint8Array
  /** The responder's last word: it has accepted the initiator. */
  readonly confirm: Uint8Array
}

/** The session's secrets and the last two proofs; `transcript` runs through the initiator's signature. */
export function finalSecrets(master: Uint8Array, transcript: Uint8Array): FinalSecrets {
  const all = chKemKdf(LABEL_SESSION, [master, transcript], 6 * SECRET_LENGTH)
  const part = (n: number): Uint8Array => all.subarray(n * SECRET_LENGTH, (n + 1) * SECRET_LENGTH)
  return {
    all,
    initiator: part(0),
    responder: part(1),
    ratchet: part(2),
    resumption: part(3),
    finished: part(4),
    confirm: part(5),
  }
}

/** One turn of the ratchet; `messages` are the two contents of the exchange. Overwrites `root` and `shared`. */
export function turnRatchet(root: Uint8Array, shared: Uint8Array, messages: readonly Uint8Array[]): SessionSecrets {
  const all = chKemKdf(LABEL_REKEY, [root, shared, ...messages], 3 * SECRET_LENGTH)
  root.fill(0)
  shared.fill(0)
  return {
    initiator: all.subarray(0, SECRET_LENGTH),
    responder: all.subarray(SECRET_LENGTH, 2 * SECRET_LENGTH),
    ratchet: all.subarray(2 * SECRET_LENGTH),
  }
}

const UTF8 = new TextEncoder()

/**
 * What a role signs: its label, a zero byte, the transcript. The label keeps the roles apart and the signature from
 * being one over any other kind of document that the same key signs.
 */
export function signatureInput(role: Role, transcript: Uint8Array): Uint8Array {
  const label = UTF8.encode(`${LABEL}${role} signature`)
  const input = new Uint8Array(label.length + 1 + transcript.length)
  input.set(label)
  input.set(transcript, label.length + 1)
  return input
}
