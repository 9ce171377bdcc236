import { chKemKdf } from '@gridseal/pqc'
import { SECRET_LENGTH } from '../record/epoch.ts'

/*
 * From the KEM's secret to the traffic secrets. KDF is SHAKE256 over the label and the length-prefixed inputs
 * (`chKemKdf`). The KEM's secret itself is never a key.
 */

/** Who sends: labels differ, so nothing made by one end is accepted as the other's. */
export type Role = 'initiator' | 'responder'

const MASTER_LENGTH = 64
/** Bytes of a Finished or of the confirmation. */
export const PROOF_LENGTH = 32

const LABEL = 'gridseal-channel-1 '

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

/** The master secret; `transcript` runs through the ServerHello. Overwrites what was made for this handshake alone. */
export function masterSecret(secrets: Secrets, transcript: Uint8Array): Uint8Array {
  const { shared, toResponder, toInitiator, sharedKey, resumption } = secrets
  const inputs = [shared, toResponder, toInitiator, sharedKey, resumption].map((secret) => secret ?? NOTHING)
  const master = chKemKdf(`${LABEL}master secret`, [...inputs, transcript], MASTER_LENGTH)
  for (const secret of [shared, toResponder, toInitiator]) secret?.fill(0)
  return master
}

/** The secret under which a role's handshake records are sealed. */
export function handshakeSecret(master: Uint8Array, role: Role): Uint8Array {
  return chKemKdf(`${LABEL}${role} handshake`, [master], SECRET_LENGTH)
}

/** Key confirmation: proves the master secret and the transcript through the role's signature. */
export function finishedProof(master: Uint8Array, role: Role, transcript: Uint8Array): Uint8Array {
  return chKemKdf(`${LABEL}${role} finished`, [master, transcript], PROOF_LENGTH)
}

/** The responder's last word: it has accepted the initiator, and both have the same whole transcript. */
export function confirmProof(master: Uint8Array, transcript: Uint8Array): Uint8Array {
  return chKemKdf(`${LABEL}responder confirm`, [master, transcript], PROOF_LENGTH)
}

/** A role's secret of the first traffic epoch; `transcript` runs through the initiator's Finished. */
export function trafficSecret(master: Uint8Array, role: Role, transcript: Uint8Array): Uint8Array {
  return chKemKdf(`${LABEL}${role} traffic`, [master, transcript], SECRET_LENGTH)
}

/** The root of the fresh key agreements within a session; `transcript` runs through the initiator's Finished. */
export function ratchetSecret(master: Uint8Array, transcript: Uint8Array): Uint8Array {
  return chKemKdf(`${LABEL}ratchet`, [master, transcript], SECRET_LENGTH)
}

/** What a later session can be resumed with; `transcript` runs through the initiator's Finished. */
export function resumptionSecret(master: Uint8Array, transcript: Uint8Array): Uint8Array {
  return chKemKdf(`${LABEL}resumption`, [master, transcript], SECRET_LENGTH)
}

/** What follows from a fresh key agreement within a session: the next root and both directions' secrets. */
export interface Ratcheted {
  readonly ratchet: Uint8Array
  readonly initiator: Uint8Array
  readonly responder: Uint8Array
}

/** One turn of the ratchet; `messages` are the two contents of the exchange. Overwrites `ratchet` and `shared`. */
export function turnRatchet(ratchet: Uint8Array, shared: Uint8Array, messages: readonly Uint8Array[]): Ratcheted {
  const root = chKemKdf(`${LABEL}rekey`, [ratchet, shared, ...messages], MASTER_LENGTH)
  ratchet.fill(0)
  shared.fill(0)
  const derive = (name: string): Uint8Array => chKemKdf(`${LABEL}${name}`, [root], SECRET_LENGTH)
  const next = {
    ratchet: derive('ratchet'),
    initiator: derive('initiator traffic'),
    responder: derive('responder traffic'),
  }
  root.fill(0)
  return next
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
