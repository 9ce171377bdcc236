import type { Journal, ListedSigner } from '@gridseal/envelope'
import type { VerifyingKey } from '@gridseal/pqc'
import { describeError } from '@gridseal/wire'
import type { AcceptConfig } from '../config/model.ts'
import type { PeerSigners, Say } from './peer-signers.ts'

export interface PeerKeysOptions {
  readonly peer: VerifyingKey | undefined
  readonly accept: AcceptConfig
  readonly listed: readonly VerifyingKey[]
  readonly journal: Journal | undefined
}

/** Identities that are remembered besides the present one. */
const MOST_FORMER = 8

/**
 * The far side's identity: pinned once and for all, or shown by certificates, which may be renewed for another key. Logs
 * that began under a former key are still taken.
 */
export class PeerKeys {
  readonly #signers: PeerSigners
  readonly #journal: Journal | undefined
  readonly #say: Say
  #accept: AcceptConfig
  #listed: readonly VerifyingKey[]
  #former: readonly ListedSigner[] = []
  #key: VerifyingKey | undefined

  constructor({ peer, accept, listed, journal }: PeerKeysOptions, signers: PeerSigners, say: Say) {
    this.#key = peer
    this.#accept = accept
    this.#listed = listed
    this.#journal = journal
    this.#signers = signers
    this.#say = say
  }

  get key(): VerifyingKey | undefined {
    return this.#key
  }

  /** Certificates have shown this key. */
  identify(key: VerifyingKey): void {
    const before = this.#key
    if (before?.equals(key) === true) return
    if (before !== undefined) {
      this.#former = [...this.#former, { key: before, until: Date.now() }].slice(-MOST_FORMER)
      const what = `the peer has certificates for another key than before: ${key.fingerprintText}`
      this.#say('info', 'peer.renewed', what, { key: key.fingerprintText, before: before.fingerprintText })
    }
    this.#key = key
    this.#reload()
    // Whoever checks the journal later needs the key beside it.
    this.#journal?.addKey(key).catch((error: unknown) => {
      this.#say('error', 'journal.key', `the peer's key cannot be put beside the journal: ${describeError(error)}`)
    })
  }

  /** Other keys may sign what the peer sends. */
  trust(accept: AcceptConfig, listed: readonly VerifyingKey[]): void {
    this.#accept = accept
    this.#listed = listed
    this.#reload()
  }

  #reload(): void {
    const [peer, former, accept, listed] = [this.#key, this.#former, this.#accept, this.#listed]
    this.#signers.reload({ peer, former, accept, listed })
  }
}
