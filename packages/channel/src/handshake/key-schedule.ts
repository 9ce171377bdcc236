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

const LABEL = 'gridseal-channel-2 '

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

/** What a key agreement comes to. */
export interface HandshakeSecrets {
  readonly master: Uint8Array
  /** What the roles' handshake records are sealed under: key || IV. */
  readonly initiator: Uint8Array
  readonly responder: Uint8Array
}

/**
 * The master secret and the keys of the handshake; `transcript` runs through the ServerHello. Overwrites what was made for
 * this handshake alone.
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
  const all = chKemKdf(`${LABEL}master secret`, inputs, MASTER_LENGTH + 2 * KEY_AND_IV_LENGTH)
  const master = all.slice(0, MASTER_LENGTH)
  all.fill(0, 0, MASTER_LENGTH)
  for (const secret of [shared, toResponder, toInitiator]) secret?.fill(0)
  const middle = MASTER_LENGTH + KEY_AND_IV_LENGTH
  return { master, initiator: all.subarray(MASTER_LENGTH, middle), responder: all.subarray(middle) }
}

/** Key confirmation: proves the master secret and the transcript through the role's signature. */
export function finishedProof(master: Uint8Array, role: Role, transcript: Uint8Array): Uint8Array {
  return chKemKdf(`${LABEL}${role} finished`, [master, transcript], PROOF_LENGTH)
}

/** What a session begins with, and what a fresh key agreement within it replaces. */
export interface SessionSecrets {
  /** Of the first traffic epoch of what the role sends. */
  readonly initiator: Uint8Array
  readonly responder: Uint8Array
  /** Root of the next fresh key agreement. */
  readonly ratchet: Uint8Array
}

/** What both ends have when they have the same whole transcript. */
export interface FinalSecrets extends SessionSecrets {
  /** For the tickets of later sessions. */
  readonly resumption: Uint8Array
  /** The responder's last word: it has accepted the initiator. */
  readonly confirm: Uint8Array
}

/** The session's secrets and the confirmation; `transcript` runs through the initiator's Finished. */
export function finalSecrets(master: Uint8Array, transcript: Uint8Array): FinalSecrets {
  const [initiator, responder, ratchet, resumption, confirm] = derive('session', [master, transcript], 5)
  return {
    initiator: initiator!,
    responder: responder!,
    ratchet: ratchet!,
    resumption: resumption!,
    confirm: confirm!,
  }
}

/** Overwrites secrets that nobody will use: the peer did not have them. */
export function wipeSecrets({ initiator, responder, ratchet, resumption, confirm }: FinalSecrets): void {
  for (const secret of [initiator, responder, ratchet, resumption, confirm]) secret.fill(0)
}

/** One turn of the ratchet; `messages` are the two contents of the exchange. Overwrites `root` and `shared`. */
export function turnRatchet(root: Uint8Array, shared: Uint8Array, messages: readonly Uint8Array[]): SessionSecrets {
  const [initiator, responder, ratchet] = derive('rekey', [root, shared, ...messages], 3)
  root.fill(0)
  shared.fill(0)
  return { initiator: initiator!, responder: responder!, ratchet: ratchet! }
}

/** `count` secrets from one derivation, each in a buffer of its own, so that each can be overwritten by itself. */
function derive(label: string, inputs: readonly Uint8Array[], count: number): Uint8Array[] {
  const all = chKemKdf(LABEL + label, inputs, SECRET_LENGTH * count)
  const parts: Uint8Array[] = []
  for (let at = 0; at < all.length; at += SECRET_LENGTH) parts.push(all.slice(at, at + SECRET_LENGTH))
  all.fill(0)
  return parts
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
