import type { Encapsulate } from '../handshake/kem.ts'
import type { SessionSecrets } from '../handshake/key-schedule.ts'
import type { Randomness } from '../handshake/randomness.ts'
import type { Session } from '../handshake/machine.ts'
import { encodeRekeyDone } from './content.ts'
import type { Content } from './content.ts'
import type { LongSealing } from './long-sealing.ts'
import { RecordOpener } from './opener.ts'
import { Rekeying } from './rekey.ts'
import { RecordSealer } from './sealer.ts'
import type { EpochLimits, Padding } from './sealer.ts'

/** What the records of a session need to know beside its secrets. */
export interface RecordSettings {
  /** After so much a direction steps to its next key by itself. */
  readonly epoch: EpochLimits
  /** After so much a fresh key agreement is begun. */
  readonly rekey: EpochLimits
  readonly padding: Padding
  readonly random: Randomness
  readonly encapsulate: Encapsulate
  readonly onRekeySent: () => void
  readonly onRekeyed: () => void
  /** A fresh key agreement has been begun. */
  readonly onAsked?: (asked: 'us' | 'peer') => void
  /** None can be begun, as when the crypto core is in its error state. Default: {@link RecordSession.upkeep} throws. */
  readonly onFault?: (error: unknown) => void
  /** It has given these secrets; called before they are used. */
  readonly onSecrets?: (secrets: SessionSecrets) => void
}

/** Content that is the record layer's own business. */
export type RekeyContent = Extract<Content, { kind: 'rekeyRequest' | 'rekeyAnswer' | 'rekeyDone' }>

/**
 * Both directions of an established session on an ordered stream, with all that changes their keys. What it returns
 * are records to send, in order. Pure but for the randomness that it is given.
 */
export class RecordSession {
  readonly #settings: RecordSettings
  readonly #sealer: RecordSealer
  readonly opener: RecordOpener
  readonly #rekeying: Rekeying
  readonly #isInitiator: boolean
  /** The peer's secret after the rekey that it is about to finish. */
  #pending: Uint8Array | undefined

  /** Takes over the session's secrets. */
  constructor({ role, suite, sendSecret, receiveSecret, ratchet }: Session, settings: RecordSettings) {
    this.#settings = settings
    this.#isInitiator = role === 'initiator'
    this.#sealer = new RecordSealer(sendSecret, suite.cipher, settings.epoch, settings.padding)
    this.opener = new RecordOpener(receiveSecret, suite.cipher)
    this.#rekeying = new Rekeying(role, suite.kem, ratchet, settings.random, settings.encapsulate)
  }

  /** A content as a record. */
  seal(content: Uint8Array): Uint8Array {
    return this.#sealer.seal(content)
  }

  /** A message as a record; worthless after `validUntil` (ms of the session) where that is given. */
  sealMessage(port: number, message: Uint8Array, validUntil?: number): Uint8Array {
    return this.#sealer.sealMessage(port, message, validUntil)
  }

  /** Whether contents are padded: then there are no long records. */
  get pads(): boolean {
    return this.#sealer.pads
  }

  /** Begins a record as long as its messages make it; no other may be sealed before it is finished. */
  begin(): LongSealing {
    return this.#sealer.begin()
  }

  /** What must go out before the next content: a request for fresh keys, the end of a used-up epoch, mostly nothing. */
  upkeep(): Uint8Array[] {
    const records: Uint8Array[] = []
    if (this.#sealer.reached(this.#settings.rekey)) {
      try {
        const request = this.ask()
        if (request !== undefined) records.push(request)
      } catch (error) {
        if (this.#settings.onFault === undefined) throw error
        this.#settings.onFault(error)
      }
    }
    if (this.#sealer.due) {
      records.push(this.#sealer.rekey())
      this.#settings.onRekeySent()
    }
    return records
  }

  /** Begins a fresh key agreement; undefined while one is under way. */
  ask(): Uint8Array | undefined {
    const request = this.#rekeying.ask()
    if (request === undefined) return undefined
    this.#settings.onAsked?.('us')
    return this.#sealer.seal(request)
  }

  /** Takes the peer's part of a key agreement. `sending` is false once our close has gone out: nothing may follow it. */
  take(content: RekeyContent, sending: boolean): Uint8Array[] {
    switch (content.kind) {
      case 'rekeyRequest': {
        const answer = sending ? this.#rekeying.requested(content.share) : undefined
        if (answer === undefined) return []
        this.#settings.onAsked?.('peer')
        const record = this.#sealer.seal(answer.content)
        const { mine, theirs } = this.#directions(answer.next)
        this.#sealer.replace(mine)
        this.#pending = theirs
        this.#settings.onRekeyed()
        return [record]
      }
      case 'rekeyAnswer': {
        const { mine, theirs } = this.#directions(this.#rekeying.answered(content.ciphertext))
        this.opener.replace(theirs)
        if (!sending) return []
        const record = this.#sealer.seal(encodeRekeyDone())
        this.#sealer.replace(mine)
        this.#settings.onRekeyed()
        return [record]
      }
      case 'rekeyDone':
        this.#rekeying.done()
        if (this.#pending !== undefined) this.opener.replace(this.#pending)
        this.#pending = undefined
        return []
    }
  }

  /** Overwrites every secret. */
  wipe(): void {
    this.#sealer.wipe()
    this.opener.wipe()
    this.#rekeying.wipe()
    this.#pending?.fill(0)
  }

  #directions(secrets: SessionSecrets): { readonly mine: Uint8Array; readonly theirs: Uint8Array } {
    this.#settings.onSecrets?.(secrets)
    const { initiator, responder } = secrets
    return this.#isInitiator ? { mine: initiator, theirs: responder } : { mine: responder, theirs: initiator }
  }
}
