import type { SigningKey } from '@gridseal/pqc'
import { encapsulate, randomBytes } from '@gridseal/pqc'
import { UsageError, toHex } from '@gridseal/wire'
import type { EpochTerms, Recipient } from './delivery.ts'
import { GROUP_ID_LENGTH, GROUP_KEY_LENGTH, memberId, sealDelivery } from './delivery.ts'

export interface GroupOwnerOptions {
  readonly key: SigningKey
  /** 16 bytes. */
  readonly group: Uint8Array
  /** Milliseconds that an epoch lasts; default a day. */
  readonly lifetime?: number
  /** Milliseconds that the key before is still accepted after a change; default a minute. Not after a removal. */
  readonly overlap?: number
  /** The last epoch that was used before a restart: epochs never come twice. */
  readonly epoch?: number
  /** The least number that an epoch may have which begins at a time (ms); default: one more than the last. */
  readonly least?: (now: number) => number
  readonly random?: (length: number) => Uint8Array
}

/** The key of an epoch, sealed for one member. */
export interface Delivery {
  /** In hex: SHA-256 of the member's KEM public key. */
  readonly member: string
  readonly epoch: number
  readonly bytes: Uint8Array
}

/**
 * Makes the keys of a group and seals them for its members: ML-KEM to each, ML-DSA over all. An epoch ends after its
 * lifetime, the next one overlapping, or at once when a member is removed, who then has no key any more. It sends
 * nothing itself and knows no clock: the caller passes the time (ms since 1970-01-01 UTC) and delivers.
 */
export class GroupOwner {
  readonly #options: Required<Omit<GroupOwnerOptions, 'epoch'>>
  readonly #members = new Map<string, Recipient>()
  #terms: EpochTerms | undefined
  #key: Uint8Array = new Uint8Array(0)
  #epoch: number
  /** A member was put out, and the epoch that it must not know has not begun. */
  #owes = false

  constructor(options: GroupOwnerOptions) {
    const { key, group, lifetime = 86_400_000, overlap = 60_000, epoch = 0 } = options
    const { least = () => 0, random = randomBytes } = options
    if (group.length !== GROUP_ID_LENGTH) throw new UsageError('group.id', `a group id has ${GROUP_ID_LENGTH} bytes`)
    if (overlap < 0 || lifetime <= overlap)
      throw new UsageError('group.lifetime', 'an epoch lasts longer than its overlap')
    this.#options = { key, group: Uint8Array.from(group), lifetime, overlap, least, random }
    this.#epoch = epoch
  }

  /** The epoch that was begun last; keep it across restarts. */
  get epoch(): number {
    return this.#epoch
  }

  /** Members' ids. */
  get members(): readonly string[] {
    return [...this.#members.keys()]
  }

  /** When {@link rotate} is due next, ms. */
  get due(): number {
    return this.#terms === undefined ? 0 : this.#terms.until - this.#options.overlap
  }

  /**
   * Whether {@link rotate} is due: the epoch is about to end, has not begun since the clock was set back, or could not be
   * begun when a member was put out.
   */
  isDue(now: number): boolean {
    return this.#terms !== undefined && (this.#owes || now >= this.due || now < this.#terms.from)
  }

  /** Takes a member in; the key of the running epoch is for it as well. Nothing to deliver before the first epoch. */
  async add(recipient: Recipient): Promise<Delivery | undefined> {
    const id = toHex(memberId(recipient.publicKey))
    if (this.#members.has(id)) throw new UsageError('group.member', `${id} is a member already`)
    // A key to which nothing can be sealed must not become a member: no epoch could begin any more.
    encapsulate(recipient.kem, recipient.publicKey)
    this.#members.set(id, { kem: recipient.kem, publicKey: Uint8Array.from(recipient.publicKey) })
    try {
      return this.#terms && (await this.#seal(this.#terms, id, recipient))
    } catch (error) {
      // Who got no key is no member, and may come again.
      this.#members.delete(id)
      throw error
    }
  }

  /**
   * The key of the running epoch for a member once more, e.g. because it may have missed it; undefined before the first.
   * Throws `UsageError` `group.member`.
   */
  async deliver(id: string): Promise<Delivery | undefined> {
    const recipient = this.#members.get(id)
    if (recipient === undefined) throw new UsageError('group.member', `${id} is no member`)
    return this.#terms && this.#seal(this.#terms, id, recipient)
  }

  /**
   * A member has another KEM key, e.g. since it has restarted: nothing is sealed for the old one any more. The epoch goes
   * on, as the member is still one; throws as {@link add} does, and then the old key stays.
   */
  async replace(id: string, recipient: Recipient): Promise<Delivery | undefined> {
    const delivery = await this.add(recipient)
    this.#members.delete(id)
    return delivery
  }

  /** Puts a member out: a new epoch begins for the others, and no older key is accepted any more. */
  remove(id: string, now: number): Promise<Delivery[]> {
    if (!this.#members.delete(id)) throw new UsageError('group.member', `${id} is no member`)
    this.#owes = true
    return this.#begin(now)
  }

  /** Begins the next epoch, overlapping with the one before. */
  rotate(now: number): Promise<Delivery[]> {
    return this.#begin(now)
  }

  /** One change after the other: where the key cannot be sealed for all, the epoch before goes on. */
  async #begin(now: number): Promise<Delivery[]> {
    const { group, lifetime, least, random } = this.#options
    const epoch = Math.max(this.#epoch + 1, least(now))
    const overlap = this.#owes ? 0 : this.#options.overlap
    const terms = { group, epoch, from: now, until: now + lifetime, olderUntil: now + overlap }
    const key = random(GROUP_KEY_LENGTH)
    const deliveries = await Promise.all(
      [...this.#members].map(([id, recipient]) => this.#seal(terms, id, recipient, key)),
    )
    this.#epoch = epoch
    this.#key = key
    this.#terms = terms
    this.#owes = false
    return deliveries
  }

  async #seal(terms: EpochTerms, member: string, recipient: Recipient, key = this.#key): Promise<Delivery> {
    const encapsulated = encapsulate(recipient.kem, recipient.publicKey)
    const bytes = await sealDelivery(this.#options.key, terms, key, recipient, encapsulated)
    return { member, epoch: terms.epoch, bytes }
  }
}
