import { GridsealError, UsageError } from '@gridseal/wire'
import type { SignOptions } from '../providers/provider.ts'
import type { VerifyingKey } from './verifying-key.ts'

/** A key and when it is used, in ms since 1970: from the first up to, not including, the last. */
export interface KeyWindow<K> {
  readonly key: K
  readonly notBefore: number
  readonly notAfter: number
}

/** Keys of one owner that are kept at most: the current, the next, and some that only verify any more. */
const MAX_WINDOWS = 8

/**
 * Keys of many owners (devices, or this station itself) with validity windows. A key is rotated by adding its successor:
 * both are valid during the overlap, so that what is under way still verifies.
 *
 * @example
 * const ring = new KeyRing<VerifyingKey>()
 * ring.add('meter-7', { key, notBefore: 0, notAfter: Infinity })
 * ring.rotate('meter-7', newKey, Date.now(), 3_600_000)
 */
export class KeyRing<K> {
  readonly #owners = new Map<string, KeyWindow<K>[]>()

  get size(): number {
    return this.#owners.size
  }

  /** Throws `UsageError` `pqc.key-ring.window` for an empty window and `pqc.key-ring.full` for a ninth key. */
  add(owner: string, window: KeyWindow<K>): void {
    needWindow(owner, window)
    const windows = this.#owners.get(owner) ?? []
    if (windows.length >= MAX_WINDOWS) {
      throw new UsageError('pqc.key-ring.full', `${owner} has ${MAX_WINDOWS} keys already: prune it`, { owner })
    }
    windows.push(window)
    windows.sort((a, b) => a.notBefore - b.notBefore)
    this.#owners.set(owner, windows)
  }

  /**
   * Puts a new key in use now; those before it end after `overlap` ms, or earlier where they would, and those that were to
   * come later are forgotten. Throws `UsageError` `pqc.key-ring.window`, `pqc.argument.range`.
   */
  rotate(owner: string, key: K, now: number, overlap: number, notAfter: number = Number.POSITIVE_INFINITY): void {
    const successor = { key, notBefore: now, notAfter }
    needWindow(owner, successor)
    if (!(overlap >= 0)) throw new UsageError('pqc.argument.range', `overlap must not be ${overlap}`, { owner })
    const shortened = (this.#owners.get(owner) ?? [])
      .filter((window) => window.notAfter > now && window.notBefore <= now)
      .map((window) => ({ ...window, notAfter: Math.min(window.notAfter, now + overlap) }))
      .filter((window) => window.notAfter > now)
      .slice(1 - MAX_WINDOWS)
    this.#owners.set(owner, shortened)
    this.add(owner, successor)
  }

  /** The newest key that is valid: what signs. */
  current(owner: string, now: number): K | undefined {
    return this.valid(owner, now).at(-1)
  }

  /** All keys that are valid, the oldest first: what may verify. */
  valid(owner: string, now: number): readonly K[] {
    const windows = this.#owners.get(owner) ?? []
    return windows.filter(({ notBefore, notAfter }) => notBefore <= now && now < notAfter).map(({ key }) => key)
  }

  /** Forgets one owner: a device that was lost. */
  remove(owner: string): boolean {
    return this.#owners.delete(owner)
  }

  /** Forgets keys that have ended, and owners without keys. */
  prune(now: number): void {
    for (const [owner, windows] of this.#owners) {
      const left = windows.filter(({ notAfter }) => now < notAfter)
      if (left.length === 0) this.#owners.delete(owner)
      else this.#owners.set(owner, left)
    }
  }
}

function needWindow(owner: string, { notBefore, notAfter }: Omit<KeyWindow<unknown>, 'key'>): void {
  if (notBefore < notAfter) return
  throw new UsageError('pqc.key-ring.window', `the window of a key of ${owner} is empty`, { owner })
}

/**
 * Whether any valid key of an owner made a signature, the newest asked first. A key that policy does not let verify any
 * more is passed over for the others; where none of them made the signature, its error `pqc.policy.refused` is thrown, so
 * that "refused" is not taken for "forged".
 */
export function verifyWithRing(
  ring: KeyRing<VerifyingKey>,
  owner: string,
  now: number,
  message: Uint8Array,
  signature: Uint8Array,
  options?: SignOptions,
): boolean {
  let refusal: GridsealError | undefined
  for (const key of ring.valid(owner, now).toReversed()) {
    try {
      if (key.verify(message, signature, options)) return true
    } catch (error) {
      if (!(error instanceof GridsealError) || error.code !== 'pqc.policy.refused') throw error
      refusal ??= error
    }
  }
  if (refusal !== undefined) throw refusal
  return false
}
