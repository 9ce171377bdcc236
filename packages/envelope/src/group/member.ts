import type { KemKeyPair, VerifyingKey } from '@gridseal/pqc'
import { MacKey, hkdfExpandSha256 } from '@gridseal/pqc'
import { AuthError, ProtocolError, toHex } from '@gridseal/wire'
import { memberId, openDelivery } from './delivery.ts'

export interface GroupMemberOptions {
  /** 16 bytes. */
  readonly group: Uint8Array
  readonly owner: VerifyingKey
  readonly keyPair: KemKeyPair
  /** Milliseconds that clocks of the group may differ; default 1000. */
  readonly tolerance?: number
}

interface Epoch {
  readonly epoch: number
  readonly key: Uint8Array
  readonly from: number
  until: number
  readonly senders: Map<string, MacKey>
}

/** Senders whose keys are kept at hand for one epoch. */
const MOST_SENDERS = 4096

/**
 * What a member knows of its group: the key of the running epoch, and for a while that of the one before. It receives
 * nothing itself and knows no clock: the caller passes the time (ms since 1970-01-01 UTC).
 */
export class GroupMember {
  readonly group: Uint8Array
  readonly #owner: VerifyingKey
  readonly #keyPair: KemKeyPair
  readonly #id: Uint8Array
  readonly #tolerance: number
  /** The newest last; never more than two. */
  #epochs: Epoch[] = []
  /** No epoch up to this one is ever taken again. */
  #newest: number

  /** `newest`: the last epoch that was known before a restart. */
  constructor(options: GroupMemberOptions, newest = 0) {
    this.group = Uint8Array.from(options.group)
    this.#owner = options.owner
    this.#keyPair = options.keyPair
    this.#id = memberId(options.keyPair.publicKey)
    this.#tolerance = options.tolerance ?? 1000
    this.#newest = newest
  }

  /** In hex. */
  get id(): string {
    return toHex(this.#id)
  }

  /** The newest epoch that has been delivered; keep it across restarts. */
  get newest(): number {
    return this.#newest
  }

  /** When the newest epoch begins by the owner's clock, ms; undefined before the first that was delivered in this run. */
  get begins(): number | undefined {
    return this.#epochs.at(-1)?.from
  }

  /**
   * Takes a delivery of the owner. Throws `DecodeError`, `AuthError` (`envelope.signature`, `envelope.key.unknown`,
   * `group.recipient` for another member's, `pqc.aead.open`) and `ProtocolError` (`group.group`, `group.epoch` for one
   * that is not newer, `group.expired`; both with `epoch`, `from` and `until` of the delivery, `newest` and `now`, and
   * whether it is `known`: the key that is here already).
   */
  accept(bytes: Uint8Array, now: number): void {
    const delivery = openDelivery(bytes, this.#owner)
    const { group, epoch, from, until, olderUntil, recipient, kem, ciphertext } = delivery
    if (Buffer.compare(group, this.group) !== 0) throw new ProtocolError('group.group', 'a key of another group')
    if (Buffer.compare(recipient, this.#id) !== 0) throw new AuthError('group.recipient', 'a key for another member')
    const known = epoch === this.#newest && (this.#epochs.at(-1)?.from ?? from) === from
    const details = { epoch, from, until, newest: this.#newest, now, known }
    if (epoch <= this.#newest) throw new ProtocolError('group.epoch', `epoch ${epoch} after ${this.#newest}`, details)
    if (until <= now - this.#tolerance) throw new ProtocolError('group.expired', `epoch ${epoch} has ended`, details)
    if (kem !== this.#keyPair.algorithm) throw new AuthError('envelope.algorithm', `our key is not ${kem}`)
    const key = delivery.unwrap(this.#keyPair.decapsulate(ciphertext))
    const before = this.#epochs.at(-1)
    if (before !== undefined) before.until = Math.min(before.until, olderUntil)
    this.#epochs = [...this.#epochs.slice(-1), { epoch, key, from, until, senders: new Map() }]
    this.#newest = epoch
  }

  /** The epoch to send under, or undefined while this member has no key. */
  sending(now: number): number | undefined {
    return this.#epochs.findLast(({ from, until }) => from <= now + this.#tolerance && now < until)?.epoch
  }

  /**
   * The key of one sender in one epoch. Throws `AuthError` `group.epoch` for an epoch that is not, or no longer, to be
   * trusted.
   */
  senderKey(epoch: number, sender: Uint8Array, now: number): MacKey {
    const found = this.#epochs.find((known) => known.epoch === epoch)
    if (found === undefined || now >= found.until + this.#tolerance || now < found.from - this.#tolerance) {
      throw new AuthError('group.epoch', `epoch ${epoch} is not trusted now`)
    }
    const id = toHex(sender)
    const known = found.senders.get(id)
    if (known !== undefined) return known
    const key = new MacKey(hkdfExpandSha256(found.key, Buffer.concat([SENDER, this.group, sender]), 32))
    if (found.senders.size >= MOST_SENDERS) found.senders.clear()
    found.senders.set(id, key)
    return key
  }

  /** The 32-byte key of an epoch for protocols that put their MAC into their own frames (IEC 62351-6). */
  frameKey(epoch: number, purpose: string, now: number): Uint8Array {
    const found = this.#epochs.find((known) => known.epoch === epoch)
    if (found === undefined || now >= found.until + this.#tolerance) {
      throw new AuthError('group.epoch', `epoch ${epoch} is not trusted now`)
    }
    return hkdfExpandSha256(found.key, Buffer.concat([FRAME, this.group, Buffer.from(purpose, 'utf8')]), 32)
  }
}

const SENDER = Buffer.from('gridseal group sender v1', 'latin1')
const FRAME = Buffer.from('gridseal group frame v1', 'latin1')
