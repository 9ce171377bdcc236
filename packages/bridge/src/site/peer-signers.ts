import type { ListedSigner, Succession } from '@gridseal/envelope'
import { Signers, cutSuccession } from '@gridseal/envelope'
import type { LogPosition } from '@gridseal/envelope'
import type { VerifyingKey } from '@gridseal/pqc'
import { readPublicKeyFile } from '@gridseal/pqc'
import { GridsealError } from '@gridseal/wire'
import type { AcceptConfig } from '../config/model.ts'
import type { Level } from '../events.ts'

export type Say = (level: Level, code: string, what: string, details?: Record<string, unknown>) => void

export interface PeerSignersOptions {
  /** The pinned identity, or the one that certificates have shown; undefined before. */
  readonly peer: VerifyingKey | undefined
  /** Identities that certificates have shown before. */
  readonly former?: readonly ListedSigner[]
  readonly accept: AcceptConfig
  /** Keys of `accept.signers`, in their order. */
  readonly listed: readonly VerifyingKey[]
  /** Receipts of changes that were seen before. */
  readonly receipts: readonly Uint8Array[]
}

/** Reads the keys that an `accept` names. Throws what reading a key throws. */
export function readListed(accept: AcceptConfig): Promise<VerifyingKey[]> {
  return Promise.all(accept.signers.map(({ file }) => readPublicKeyFile(file)))
}

/** Who may sign what a peer sends, as configured and as it has shown by signed changes of keys. */
export class PeerSigners {
  readonly #say: Say
  #signers: Signers
  /** Receipts that have been taken, in the order in which they lead on. */
  #receipts: Uint8Array[] = []

  constructor(options: PeerSignersOptions, say: Say) {
    this.#say = say
    this.#signers = signersOf(options)
    this.#takeAll(options.receipts)
  }

  key(fingerprint: Uint8Array, began: bigint): VerifyingKey | undefined {
    return this.#signers.key(fingerprint, began)
  }

  /** Whether a key may sign from `now` (ns since 1970-01-01 UTC) on. */
  takes(key: VerifyingKey, now: bigint): boolean {
    return this.#signers.key(key.fingerprint, now) !== undefined
  }

  /** A batch that was verified ends with a change of keys. Returns its receipt if it was new and is followed. */
  changed(bytes: Uint8Array, before: LogPosition | undefined): { receipt: Uint8Array; key: VerifyingKey } | undefined {
    const receipt = cutSuccession(bytes, before)
    return receipt && this.take(receipt)
  }

  /** Takes the receipt of a change. What policy refuses, or nobody trusted has signed, is reported and leads nowhere. */
  take(receipt: Uint8Array): { receipt: Uint8Array; key: VerifyingKey } | undefined {
    let succession: Succession | undefined
    try {
      succession = this.#signers.accept(receipt)
    } catch (error) {
      if (!(error instanceof GridsealError)) throw error
      this.#say('error', error.code, `a change of signing keys is not followed: ${error.message}`, { ...error.details })
      return undefined
    }
    if (succession === undefined) return undefined
    const { key, signer } = succession
    this.#receipts.push(Uint8Array.from(receipt))
    const what = `${signer.fingerprintText} has signed for its successor ${key.fingerprintText}`
    this.#say('info', 'envelope.succession', what, { key: key.fingerprintText, signer: signer.fingerprintText })
    return { receipt, key }
  }

  /** Takes another configuration; what was shown by signed changes is judged anew. */
  reload(options: Omit<PeerSignersOptions, 'receipts'>): void {
    const receipts = this.#receipts
    this.#receipts = []
    this.#signers = signersOf(options)
    this.#takeAll(receipts)
  }

  /** What policy no longer takes is left out without a word: it may be somebody else's, from the same journal. */
  #takeAll(receipts: readonly Uint8Array[]): void {
    let left = [...receipts]
    for (let before = -1; before !== left.length;) {
      before = left.length
      left = left.filter((receipt) => {
        try {
          if (this.#signers.accept(receipt) !== undefined) this.#receipts.push(receipt)
          return false
        } catch {
          return true
        }
      })
    }
  }
}

function signersOf({ peer, former = [], accept, listed }: Omit<PeerSignersOptions, 'receipts'>): Signers {
  const { signers, successors, algorithms, overlap } = accept
  return new Signers({
    anchor: peer,
    listed: [
      ...former,
      ...signers.flatMap(({ from, until }, i) => {
        const key = listed[i]
        return key === undefined ? [] : [{ key, from, until }]
      }),
    ],
    successors,
    algorithms,
    overlap,
  })
}
