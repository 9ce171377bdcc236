import { ProtocolError } from '@gridseal/wire'
import { freshPair } from '../handshake/kem.ts'
import type { Encapsulate, KemPair } from '../handshake/kem.ts'
import { turnRatchet } from '../handshake/key-schedule.ts'
import type { SessionSecrets, Role } from '../handshake/key-schedule.ts'
import type { Randomness } from '../handshake/randomness.ts'
import type { KemName } from '../handshake/suites.ts'
import { encodeRekeyAnswer, encodeRekeyRequest } from './content.ts'

/*
 * A fresh key agreement within a session, without a pause in either direction:
 *
 *   A ── request(share) ──▶ B       B makes the next secrets, answers under its old key, sends under its new key
 *   A ◀── answer(ciphertext) ── B   A makes them, receives under B's new key, says done under its old key,
 *   A ── done ──▶ B                 sends under its new key; B receives under it from here on
 *
 * Each direction changes its key at one place in its own order of records, so nothing is lost and nothing doubled. When
 * both ask at once the initiator's request stands, and the responder forgets its own.
 */

/** What to send and which secrets follow from it. */
export interface RekeyAnswer {
  readonly content: Uint8Array
  readonly next: SessionSecrets
}

/** The two parties' part in it: pure but for the randomness that it is given. */
export class Rekeying {
  readonly #role: Role
  readonly #kem: KemName
  readonly #random: Randomness
  readonly #encapsulate: Encapsulate
  #ratchet: Uint8Array
  #asked: { readonly pair: KemPair; readonly request: Uint8Array } | undefined
  /** We have answered; the peer has not yet said that it is done. */
  #answered = false

  /** Takes over `ratchet`, which is overwritten at every turn. */
  constructor(role: Role, kem: KemName, ratchet: Uint8Array, random: Randomness, encapsulate: Encapsulate) {
    this.#role = role
    this.#kem = kem
    this.#ratchet = ratchet
    this.#random = random
    this.#encapsulate = encapsulate
  }

  /** Whether an exchange is under way. */
  get busy(): boolean {
    return this.#asked !== undefined || this.#answered
  }

  /** The request to send, or undefined while an exchange is under way. */
  ask(): Uint8Array | undefined {
    if (this.busy) return undefined
    const pair = freshPair(this.#kem, this.#random)
    const request = encodeRekeyRequest(pair.publicKey)
    this.#asked = { pair, request }
    return request
  }

  /** What to answer to the peer's request, or undefined where our own stands. Throws `DecodeError`, `AuthError`. */
  requested(share: Uint8Array): RekeyAnswer | undefined {
    if (this.#answered) throw new ProtocolError('channel.unexpected', 'a rekey request before the last one is done')
    if (this.#asked !== undefined && this.#role === 'initiator') return undefined
    const { ciphertext, sharedSecret } = this.#encapsulate(this.#kem, share, this.#role)
    const content = encodeRekeyAnswer(ciphertext)
    this.#asked = undefined
    this.#answered = true
    return { content, next: this.#turn(sharedSecret, encodeRekeyRequest(share), content) }
  }

  /** The secrets that follow from the peer's answer. Throws {@link ProtocolError} `channel.unexpected`. */
  answered(ciphertext: Uint8Array): SessionSecrets {
    const asked = this.#asked
    if (asked === undefined) throw new ProtocolError('channel.unexpected', 'a rekey answer that nobody asked for')
    this.#asked = undefined
    const shared = asked.pair.decapsulate(ciphertext, this.#role === 'initiator' ? 'responder' : 'initiator')
    return this.#turn(shared, asked.request, encodeRekeyAnswer(ciphertext))
  }

  /** The peer sends under its new key from here on. Throws {@link ProtocolError} `channel.unexpected`. */
  done(): void {
    if (!this.#answered) throw new ProtocolError('channel.unexpected', 'a rekey is done that nobody began')
    this.#answered = false
  }

  /** Overwrites the root; no exchange can follow. */
  wipe(): void {
    this.#ratchet.fill(0)
    this.#asked = undefined
  }

  #turn(shared: Uint8Array, request: Uint8Array, answer: Uint8Array): SessionSecrets {
    const next = turnRatchet(this.#ratchet, shared, [request, answer])
    this.#ratchet = next.ratchet
    return next
  }
}
