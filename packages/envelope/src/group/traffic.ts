import { AuthError, ProtocolError, UsageError, toHex } from '@gridseal/wire'
import { CborReader } from '../cbor/reader.ts'
import { CborWriter } from '../cbor/writer.ts'
import type { MacAlgorithm } from '../mac0.ts'
import { checkMac0, decodeMac0, macAlgorithm, macNumber, writeMac0 } from '../mac0.ts'
import { GROUP_ID_LENGTH } from './delivery.ts'
import type { GroupMember } from './member.ts'
import { ReplayWindow } from './replay-window.ts'

/** COSE header labels: alg and kid context are registered, the others for private use, ours. */
const LABEL = { algorithm: 1, group: 10, epoch: -65541, sender: -65542, sequence: -65543, time: -65544 } as const
/** Octets of a sender's id; each sender of a group has its own. */
export const SENDER_ID_LENGTH = 8

/** Sends messages to a group, each a COSE_Mac0 with a sequence number. */
export class GroupSender {
  readonly #member: GroupMember
  readonly #sender: Uint8Array
  readonly #algorithm: MacAlgorithm
  #epoch = 0
  #sequence = 0

  /** `sender`: 8 bytes that no other sender, and no earlier run of this one within an epoch, has used. */
  constructor(member: GroupMember, sender: Uint8Array, algorithm: MacAlgorithm = 'HMAC-256/256') {
    if (sender.length !== SENDER_ID_LENGTH)
      throw new UsageError('group.sender', `a sender has ${SENDER_ID_LENGTH} bytes`)
    this.#member = member
    this.#sender = Uint8Array.from(sender)
    this.#algorithm = algorithm
  }

  /** `now` in ms since 1970-01-01 UTC. Throws `ProtocolError` `group.no-key` while the member has no key. */
  protect(payload: Uint8Array, now: number): Uint8Array {
    const epoch = this.#member.sending(now)
    if (epoch === undefined) throw new ProtocolError('group.no-key', 'no key of this group has been delivered')
    if (epoch !== this.#epoch) this.#sequence = 0
    this.#epoch = epoch
    const w = new CborWriter(96).map(6).int(LABEL.algorithm).int(macNumber(this.#algorithm))
    w.int(LABEL.group).bytes(this.#member.group).int(LABEL.epoch).uint(epoch).int(LABEL.sender).bytes(this.#sender)
    const header = w.int(LABEL.sequence).uint(this.#sequence++).int(LABEL.time).uint(now).finish()
    return writeMac0(this.#algorithm, this.#member.senderKey(epoch, this.#sender, now), header, payload)
  }
}

/** A message whose MAC is right. It proves that some member of the group made it, no more. */
export interface GroupMessage {
  readonly sender: Uint8Array
  readonly epoch: number
  readonly sequence: number
  /** The sender's clock, ms since 1970-01-01 UTC. */
  readonly time: number
  readonly payload: Uint8Array
}

export interface GroupReceiverOptions {
  /** Algorithms that are taken; default only the one with the long tag. */
  readonly algorithms?: readonly MacAlgorithm[]
  /** Milliseconds that a message may be old, or ahead; default 10 s. */
  readonly maxAge?: number
  /** Wrong short tags in one epoch after which no short one of that epoch is taken any more; default 2^20. */
  readonly mostFailures?: number
}

/** A forger has 2^64 chances to 2^20 tries. Whole tags cannot be guessed: refusing them would only help who disturbs. */
const MOST_FAILURES = 2 ** 20
const MOST_SENDERS = 4096

/** Checks messages of a group: MAC, epoch, freshness and replay, for each sender on its own. */
export class GroupReceiver {
  readonly #member: GroupMember
  readonly #algorithms: readonly MacAlgorithm[]
  readonly #maxAge: number
  readonly #windows = new Map<string, ReplayWindow>()
  readonly #mostFailures: number
  /** Wrong short tags, by epoch. */
  readonly #failures = new Map<number, number>()

  constructor(member: GroupMember, options: GroupReceiverOptions = {}) {
    this.#member = member
    this.#algorithms = options.algorithms ?? ['HMAC-256/256']
    this.#maxAge = options.maxAge ?? 10_000
    this.#mostFailures = options.mostFailures ?? MOST_FAILURES
  }

  /**
   * Throws `DecodeError`, `AuthError` (`envelope.algorithm`, `envelope.mac`, `group.epoch`, `group.group`,
   * `group.forgery` for a short tag after too many wrong ones) and `ProtocolError` (`group.stale`, `group.replay`).
   */
  open(bytes: Uint8Array, now: number): GroupMessage {
    const raw = decodeMac0(bytes)
    const { algorithm, group, epoch, sender, sequence, time } = readHeader(raw.protectedHeader)
    if (!this.#algorithms.includes(algorithm))
      throw new AuthError('envelope.algorithm', `${algorithm} is not allowed here`)
    if (Buffer.compare(group, this.#member.group) !== 0)
      throw new AuthError('group.group', 'a message of another group')
    const key = this.#member.senderKey(epoch, sender, now)
    const failures = algorithm === 'HMAC-256/64' ? (this.#failures.get(epoch) ?? 0) : 0
    if (failures >= this.#mostFailures) throw new AuthError('group.forgery', 'too many wrong MACs in this epoch')
    try {
      checkMac0(algorithm, key, raw)
    } catch (error) {
      if (algorithm === 'HMAC-256/64') this.#failed(epoch, failures + 1)
      throw error
    }
    if (Math.abs(now - time) > this.#maxAge) throw new ProtocolError('group.stale', `sent ${now - time} ms ago`)
    const window = this.#window(`${epoch} ${toHex(sender)}`)
    if (!window.isNew(sequence)) throw new ProtocolError('group.replay', `number ${sequence} was here before`)
    window.take(sequence)
    return { sender, epoch, sequence, time, payload: raw.payload }
  }

  #failed(epoch: number, failures: number): void {
    this.#failures.set(epoch, failures)
    // Two epochs are trusted at most.
    if (this.#failures.size > 2) this.#failures.delete(Math.min(...this.#failures.keys()))
  }

  #window(name: string): ReplayWindow {
    const known = this.#windows.get(name)
    if (known !== undefined) return known
    // The oldest goes; what it would let through again is stale by then.
    const [oldest] = this.#windows.keys()
    if (this.#windows.size >= MOST_SENDERS && oldest !== undefined) this.#windows.delete(oldest)
    const window = new ReplayWindow()
    this.#windows.set(name, window)
    return window
  }
}

/** The group that a message says it is for, in hex; nothing is verified. Throws `DecodeError`. */
export function peekGroup(bytes: Uint8Array): string {
  return toHex(readHeader(decodeMac0(bytes).protectedHeader).group)
}

function readHeader(header: Uint8Array): {
  algorithm: MacAlgorithm
  group: Uint8Array
  epoch: number
  sender: Uint8Array
  sequence: number
  time: number
} {
  const r = new CborReader(header)
  if (r.map('protected') !== 6) throw r.error('envelope.header', 'protected', '6 labels are due')
  const label = (expected: number, field: string): void => {
    if (r.int(field) !== expected) throw r.error('envelope.header', field, `label ${expected} is due`)
  }
  label(LABEL.algorithm, 'alg')
  const algorithm = macAlgorithm(r.int('alg'))
  if (algorithm === undefined) throw r.error('envelope.algorithm', 'alg', 'unknown MAC algorithm')
  label(LABEL.group, 'group')
  const group = r.fixedBytes(GROUP_ID_LENGTH, 'group')
  label(LABEL.epoch, 'epoch')
  const epoch = r.uint('epoch')
  label(LABEL.sender, 'sender')
  const sender = r.fixedBytes(SENDER_ID_LENGTH, 'sender')
  label(LABEL.sequence, 'sequence')
  const sequence = r.uint('sequence')
  label(LABEL.time, 'time')
  const time = r.uint('time')
  r.expectEnd('protected')
  return { algorithm, group, epoch, sender, sequence, time }
}
