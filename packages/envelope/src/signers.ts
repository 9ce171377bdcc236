import type { SignatureAlgorithm, VerifyingKey } from '@gridseal/pqc'
import { AuthError, toHex } from '@gridseal/wire'
import type { Succession } from './succession.ts'
import { verifySuccession } from './succession.ts'

/** A key that may sign, and when the logs may begin that it signs, ms since 1970-01-01 UTC. */
export interface ListedSigner {
  readonly key: VerifyingKey
  /** Default always. */
  readonly from?: number | undefined
  /** Up to, not including; default for ever. */
  readonly until?: number | undefined
}

export interface SignersOptions {
  /** Signs whatever happens: the identity, which vouches for all others. Undefined: it is not known yet. */
  readonly anchor: VerifyingKey | undefined
  /** Keys that are trusted beside it. */
  readonly listed?: readonly ListedSigner[]
  /** Keys that a trusted one has signed for: all of them, or only listed ones. Default `signed`. */
  readonly successors?: 'signed' | 'listed'
  /** Algorithms that a successor may have; default all. */
  readonly algorithms?: readonly SignatureAlgorithm[] | undefined
  /** Milliseconds for which a key may still begin logs after it has signed for its successor; default an hour. */
  readonly overlap?: number
}

interface Known {
  readonly key: VerifyingKey
  readonly from: number
  until: number
}

const HOUR = 3_600_000
/** Keys that are known at most beside the listed ones; a peer that changes more often is refused. */
const MOST_SUCCESSORS = 256

/**
 * Who may sign a peer's logs: its pinned identity, keys that are listed with their windows, and, by policy, keys that one
 * of these has signed for. A key that has a successor begins no new logs after an overlap, so that it is worth nothing
 * to whoever steals it later; the identity is never retired.
 */
export class Signers {
  readonly #options: SignersOptions
  readonly #known = new Map<string, Known>()
  readonly #listed: ReadonlySet<string>
  #followed = 0

  constructor(options: SignersOptions) {
    this.#options = options
    const { anchor, listed = [] } = options
    this.#listed = new Set(listed.map(({ key }) => toHex(key.fingerprint)))
    for (const { key, from = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } of listed) {
      this.#known.set(toHex(key.fingerprint), { key, from, until })
    }
    if (anchor === undefined) return
    this.#known.set(toHex(anchor.fingerprint), {
      key: anchor,
      from: Number.NEGATIVE_INFINITY,
      until: Number.POSITIVE_INFINITY,
    })
  }

  /** The key that may sign a log which began at `began` (ns since 1970-01-01 UTC), or undefined. */
  key(fingerprint: Uint8Array, began: bigint): VerifyingKey | undefined {
    const known = this.#known.get(toHex(fingerprint))
    const at = Number(began / 1_000_000n)
    return known !== undefined && known.from <= at && at < known.until ? known.key : undefined
  }

  /**
   * Takes a change of keys that has been verified. Returns whether it was new. Throws `AuthError` `envelope.successor` for
   * a key that policy does not take.
   */
  follow({ key, signer, time }: Succession): boolean {
    const id = toHex(key.fingerprint)
    const { anchor, successors = 'signed', algorithms, overlap = HOUR } = this.#options
    if (
      successors === 'listed' &&
      !this.#listed.has(id) &&
      (anchor === undefined || id !== toHex(anchor.fingerprint))
    ) {
      throw new AuthError('envelope.successor', `the successor ${key.fingerprintText} is not listed`, { key: id })
    }
    if (algorithms !== undefined && !algorithms.includes(key.algorithm)) {
      throw new AuthError('envelope.algorithm', `a successor may not be ${key.algorithm}`, { key: id })
    }
    const isNew = !this.#known.has(id)
    if (isNew && ++this.#followed > MOST_SUCCESSORS) {
      throw new AuthError('envelope.successor', 'too many changes of keys', { key: id })
    }
    const at = Number(time / 1_000_000n)
    if (isNew) this.#known.set(id, { key, from: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY })
    const old = this.#known.get(toHex(signer.fingerprint))
    const retires = signer.fingerprintText !== anchor?.fingerprintText
    if (old !== undefined && retires) old.until = Math.min(old.until, at + overlap)
    return isNew
  }

  /** {@link follow} with the receipt of the change. Throws as `verifySuccession`, too. */
  accept(receipt: Uint8Array): Succession | undefined {
    const succession = verifySuccession(receipt, (fingerprint) => this.#known.get(toHex(fingerprint))?.key)
    return this.follow(succession) ? succession : undefined
  }
}
