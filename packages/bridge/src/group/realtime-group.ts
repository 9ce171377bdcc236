import type { FrameEntry, Recipient } from '@gridseal/envelope'
import { CborReader, CborWriter, GROUP_ID_LENGTH, GroupMember, GroupReceiver, GroupSender } from '@gridseal/envelope'
import type { VerifyingKey } from '@gridseal/pqc'
import { generateKemKeyPair, randomBytes, sha256 } from '@gridseal/pqc'
import { GridsealError, ProtocolError, toHex } from '@gridseal/wire'

const KEM = 'ML-KEM-1024'
const SENDER_LENGTH = 8

/** What a group has carried with MACs, on one bridge. */
export interface RealtimeCounters {
  /** Messages made here. */
  sent: number
  /** Frames that were not sent because no key had come yet. */
  unkeyed: number
  /** Messages whose MAC, epoch and freshness are right. */
  received: number
  /** Messages with a wrong MAC. */
  forged: number
  /** Messages that were here before. */
  replayed: number
  /** Messages that are too old, or ahead of our clock. */
  stale: number
  /** Messages of an epoch that is not, or no longer, trusted. */
  epoch: number
  /** Messages refused for another reason. */
  refused: number
  /** Keys of the owner that were refused: of an epoch that has ended or is not newer, or wrong altogether. */
  refusedKeys: number
}

/** A frame as it travels under a MAC. */
export interface RealtimeFrame {
  /** Nanoseconds since 1970-01-01 UTC. */
  readonly time: bigint
  readonly protocol: string
  readonly bytes: Uint8Array
}

export interface RealtimeGroupOptions {
  readonly name: string
  /** Whose signature makes a key of this group. */
  readonly owner: VerifyingKey
  /** Milliseconds that a message may be old, or ahead. */
  readonly maxAge: number
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now: () => number
}

/** The 16-byte id of a group, from its name. */
export function groupId(name: string): Uint8Array {
  return sha256(Buffer.from(`gridseal group ${name}`, 'utf8')).subarray(0, GROUP_ID_LENGTH)
}

/**
 * This bridge's part in a group: frames leave at once as COSE_Mac0 under the group's key, and what comes is checked for
 * MAC, epoch, age and replay. The KEM key to which group keys are sealed is made anew in every run and never leaves it.
 */
export class RealtimeGroup {
  readonly name: string
  /** In hex. */
  readonly id: string
  /** What the owner seals keys for. */
  readonly recipient: Recipient
  readonly counters: RealtimeCounters = {
    sent: 0,
    unkeyed: 0,
    received: 0,
    forged: 0,
    replayed: 0,
    stale: 0,
    epoch: 0,
    refused: 0,
    refusedKeys: 0,
  }
  #refusing = false
  readonly #member: GroupMember
  readonly #sender: GroupSender
  readonly #receiver: GroupReceiver
  readonly #now: () => number

  constructor({ name, owner, maxAge, now }: RealtimeGroupOptions) {
    this.name = name
    const group = groupId(name)
    this.id = toHex(group)
    const keyPair = generateKemKeyPair(KEM)
    this.recipient = { kem: KEM, publicKey: keyPair.publicKey }
    this.#member = new GroupMember({ group, owner, keyPair })
    this.#sender = new GroupSender(this.#member, randomBytes(SENDER_LENGTH))
    this.#receiver = new GroupReceiver(this.#member, { maxAge })
    this.#now = now
  }

  /** The newest epoch whose key is here; 0 before the first. */
  get epoch(): number {
    return this.#member.newest
  }

  /** Milliseconds since 1970-01-01 UTC by this end's clock. */
  get now(): number {
    return this.#now()
  }

  /** Whether frames can be sent now. */
  get hasKey(): boolean {
    return this.#member.sending(this.#now()) !== undefined
  }

  /** When the newest epoch begins by the owner's clock, ms; undefined before the first. */
  get begins(): number | undefined {
    return this.#member.begins
  }

  /** When the newest epoch begins, where that is ahead of our clock, ms. */
  get ahead(): number | undefined {
    return this.#member.sending(this.#now()) === this.epoch ? undefined : this.#member.begins
  }

  /** Whether the owner should be asked for a key: none can be used at this time, or the last one was refused. */
  get wantsKey(): boolean {
    return this.#refusing || !this.hasKey
  }

  /** Takes a key. False: it is here already. Throws as `GroupMember.accept`, and counts. */
  accept(delivery: Uint8Array): boolean {
    try {
      this.#member.accept(delivery, this.#now())
      this.#refusing = false
      return true
    } catch (error) {
      if (error instanceof ProtocolError && error.code === 'group.group') throw error
      if (error instanceof ProtocolError && error.code === 'group.epoch' && error.details['known'] === true)
        return false
      this.counters.refusedKeys++
      this.#refusing = true
      throw error
    }
  }

  /** A message for the group, or undefined while no key has come. */
  protect({ time, protocol, bytes }: FrameEntry): Uint8Array | undefined {
    const now = this.#now()
    if (this.#member.sending(now) === undefined) {
      this.counters.unkeyed++
      return undefined
    }
    const payload = new CborWriter(bytes.length + 32).array(3).uint(time).text(protocol).bytes(bytes).finish()
    this.counters.sent++
    return this.#sender.protect(payload, now)
  }

  /** The frame of a message. Throws as `GroupReceiver.open`, and counts. */
  open(message: Uint8Array): RealtimeFrame {
    try {
      const { payload } = this.#receiver.open(message, this.#now())
      const r = new CborReader(payload)
      r.fixedArray(3, 'payload')
      const frame = { time: r.uint64('time'), protocol: r.text('protocol'), bytes: r.bytes('bytes') }
      r.expectEnd('payload')
      this.counters.received++
      return frame
    } catch (error) {
      this.#count(error)
      throw error
    }
  }

  #count(error: unknown): void {
    switch (error instanceof GridsealError ? error.code : '') {
      case 'envelope.mac':
      case 'group.forgery':
        this.counters.forged++
        return
      case 'group.replay':
        this.counters.replayed++
        return
      case 'group.stale':
        this.counters.stale++
        return
      case 'group.epoch':
        this.counters.epoch++
        return
      default:
        this.counters.refused++
    }
  }
}
