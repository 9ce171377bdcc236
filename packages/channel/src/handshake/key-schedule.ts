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

/** The master secret; `transcript` runs through the ServerHello. Overwrites `sharedSecret`. */
export function masterSecret(sharedSecret: Uint8Array, transcript: Uint8Array): Uint8Array {
  const master = chKemKdf(`${LABEL}master secret`, [sharedSecret, transcript], MASTER_LENGTH)
  sharedSecret.fill(0)
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
