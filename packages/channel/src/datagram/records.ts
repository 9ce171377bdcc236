import { DecodeError, InternalError, ProtocolError } from '@gridseal/wire'
import type { AeadAlgorithm } from '@gridseal/pqc'
import type { Encapsulate } from '../handshake/kem.ts'
import type { SessionSecrets } from '../handshake/key-schedule.ts'
import type { Randomness } from '../handshake/randomness.ts'
import type { Ordering } from '../handshake/hello.ts'
import type { Session } from '../handshake/machine.ts'
import { CONTENT, PADDED_HEADER } from '../record/content.ts'
import type { Content } from '../record/content.ts'
import { epochKeys } from '../record/epoch.ts'
import type { EpochKeys } from '../record/epoch.ts'
import { readU32, writeU32 } from '../record/frame.ts'
import { TAG_LENGTH } from '../record/record-cipher.ts'
import { nonceOf } from '../record/record.ts'
import { Rekeying } from '../record/rekey.ts'
import { ReplayGuard } from '../record/replay.ts'
import type { EpochLimits } from '../record/sealer.ts'
import { PACKET } from './packet.ts'

/*
 * Records that get lost, doubled and reordered: 22 || epoch u8 || receiver u32 || sequence u64 || ciphertext || tag.
 * The first 14 bytes are the additional data. The epoch (its last 8 bits) tells which key a record is under; sequence
 * numbers and the replay window know no epochs.
 */

const HEADER = 14
/** A record is this much longer than its content. */
export const DATAGRAM_OVERHEAD: number = HEADER + TAG_LENGTH
/** Acks hold 48 bits of a sequence number; at a million records a second, nine years. */
const MAX_SEQUENCE = 2 ** 48 - 1
const TWO_32 = 2 ** 32
/** A record of the epoch before is taken for so long after the first of the next one, ms. */
export const EPOCH_GRACE = 30_000

export interface DatagramRecordSettings {
  readonly ordering: Exclude<Ordering, 'strict'>
  /** The session is over when one key has protected so much. */
  readonly epoch: EpochLimits
  /** After so much a fresh key agreement is begun. */
  readonly rekey: EpochLimits
  /** Contents are padded to a multiple of so many bytes; 0 for not at all. */
  readonly padding: number
  /** Largest packet in bytes. */
  readonly mtu: number
  /** The peer's connection id. */
  readonly remote: number
  readonly random: Randomness
  readonly encapsulate: Encapsulate
  /** A fresh key agreement has been begun. */
  readonly onAsked?: (asked: 'us' | 'peer') => void
  /** It has given these secrets; called before they are used. */
  readonly onSecrets?: (secrets: SessionSecrets) => void
}

/** A record that turned out authentic. */
export interface OpenedRecord {
  readonly content: Uint8Array
  readonly sequence: number
  /** Whether no later one has come so far. */
  readonly newest: boolean
}

/** Content by which the two ends agree on fresh keys. */
export type RekeyContent = Extract<Content, { kind: 'rekeyRequest' | 'rekeyAnswer' }>

interface ReceiveEpoch {
  readonly epoch: number
  readonly keys: EpochKeys
  readonly secret: Uint8Array
}

/** Both directions' records of a session, and the change of their keys. Pure but for its randomness. */
export class DatagramRecords {
  readonly #settings: DatagramRecordSettings
  readonly #cipher: AeadAlgorithm
  readonly #isInitiator: boolean
  readonly #replay: ReplayGuard
  readonly #rekeying: Rekeying
  #sendEpoch = 0
  #sendSecret: Uint8Array
  #sendKeys: EpochKeys
  #sequence = 0
  #epochRecords = 0
  #epochBytes = 0
  #current: ReceiveEpoch
  #previous: (ReceiveEpoch & { readonly until: number }) | undefined
  /** Agreed on; no record under it has come. */
  #next: ReceiveEpoch | undefined
  /** Our secret of the next epoch, until the peer has shown that it has that epoch's keys. */
  #nextSend: Uint8Array | undefined

  /** Takes over the session's secrets. */
  constructor({ role, suite, sendSecret, receiveSecret, ratchet }: Session, settings: DatagramRecordSettings) {
    this.#settings = settings
    this.#cipher = suite.cipher
    this.#isInitiator = role === 'initiator'
    this.#replay = new ReplayGuard(settings.ordering)
    this.#sendSecret = sendSecret
    this.#sendKeys = epochKeys(sendSecret, suite.cipher)
    this.#current = { epoch: 0, keys: epochKeys(receiveSecret, suite.cipher), secret: receiveSecret }
    this.#rekeying = new Rekeying(role, suite.kem, ratchet, settings.random, settings.encapsulate)
  }

  /** Most bytes of content in a record. */
  get room(): number {
    return this.#settings.mtu - DATAGRAM_OVERHEAD - (this.#settings.padding > 0 ? PADDED_HEADER : 0)
  }

  /** The number of the next record that is sealed. */
  get sequence(): number {
    return this.#sequence
  }

  /** Records of the peer that have not come, so far or for ever. */
  get missing(): number {
    return this.#replay.missing
  }

  /** Whether any record of the peer has been authentic. */
  get proven(): boolean {
    return this.#replay.newest >= 0
  }

  /** Whether so much has gone out under this key that a fresh one is due. */
  get due(): boolean {
    return reached(this.#epochRecords, this.#epochBytes, this.#settings.rekey)
  }

  /** Whether this key, or the numbers, are used up: nothing can be sealed. */
  get #exhausted(): boolean {
    return reached(this.#epochRecords, this.#epochBytes, this.#settings.epoch) || this.#sequence > MAX_SEQUENCE
  }

  /** A content as the next record. Throws {@link ProtocolError} `channel.epoch.exhausted`. */
  seal(content: Uint8Array): Uint8Array {
    const { remote } = this.#settings
    if (this.#exhausted) {
      throw new ProtocolError('channel.epoch.exhausted', 'the key is used up and the peer gives no fresh one')
    }
    const padded = this.#pad(content)
    if (padded.length + DATAGRAM_OVERHEAD > this.#settings.mtu) {
      throw new InternalError('channel.internal', `${content.length} bytes do not fit into a packet`)
    }
    const record = new Uint8Array(padded.length + DATAGRAM_OVERHEAD)
    record[0] = PACKET.record
    record[1] = this.#sendEpoch
    writeU32(record, 2, remote)
    writeU32(record, 6, Math.floor(this.#sequence / TWO_32))
    writeU32(record, 10, this.#sequence)
    record.set(padded, HEADER)
    this.#sendKeys.cipher.seal(nonceOf(this.#sendKeys.iv, this.#sequence), record, HEADER, record.subarray(0, HEADER))
    this.#sequence++
    this.#epochRecords++
    this.#epochBytes += padded.length
    return record
  }

  /**
   * Opens a record of this session; nothing has changed if it throws. Throws {@link ProtocolError}
   * `channel.record.epoch` (no key), `.replay` (came before), `.old` (too far behind), {@link DecodeError}
   * `channel.record.length` and `AuthError` `channel.record.auth`.
   */
  open(record: Uint8Array, now: number): OpenedRecord {
    if (record.length < DATAGRAM_OVERHEAD) {
      throw new DecodeError('channel.record.length', 0, 'length', 'too short for a record')
    }
    const epoch = this.#epochOf(record[1]!, now)
    const sequence = readU32(record, 6) * TWO_32 + readU32(record, 10)
    const verdict = sequence > MAX_SEQUENCE ? 'old' : this.#replay.judge(sequence)
    if (verdict !== 'fresh') {
      const text = verdict === 'replay' ? 'came again' : 'is out of the window'
      throw new ProtocolError(`channel.record.${verdict}`, `record ${sequence} ${text}`, { sequence })
    }
    const content = epoch.keys.cipher.open(nonceOf(epoch.keys.iv, sequence), record, HEADER, record.subarray(0, HEADER))
    const newest = sequence > this.#replay.newest
    this.#replay.record(sequence)
    if (epoch === this.#next) this.#promote(epoch, now)
    return { content, sequence, newest }
  }

  /** The request for a fresh key agreement; undefined while one is under way. */
  ask(): Uint8Array | undefined {
    const request = this.#rekeying.ask()
    if (request !== undefined) this.#settings.onAsked?.('us')
    return request
  }

  /**
   * Takes the peer's part of a key agreement: the content to answer with, and whether this end now has fresh keys. Who
   * has asked sends under them at once; who has answered when the peer does. Throws as `Rekeying` does.
   */
  take(content: RekeyContent): { readonly answer: Uint8Array | undefined; readonly fresh: boolean } {
    if (content.kind === 'rekeyRequest') {
      const answer = this.#rekeying.requested(content.share)
      if (answer === undefined) return { answer, fresh: false }
      this.#settings.onAsked?.('peer')
      this.#nextSend = this.#expect(answer.next)
      return { answer: answer.content, fresh: true }
    }
    this.#send(this.#expect(this.#rekeying.answered(content.ciphertext)))
    return { answer: undefined, fresh: true }
  }

  /** Overwrites every secret. */
  wipe(): void {
    for (const epoch of [this.#previous, this.#current, this.#next]) epoch?.secret.fill(0)
    this.#sendSecret.fill(0)
    this.#nextSend?.fill(0)
    this.#rekeying.wipe()
  }

  /** Is ready to receive under the next epoch; returns the secret to send under. */
  #expect(secrets: SessionSecrets): Uint8Array {
    this.#settings.onSecrets?.(secrets)
    const { initiator, responder } = secrets
    const [mine, theirs] = this.#isInitiator ? [initiator, responder] : [responder, initiator]
    this.#next = { epoch: this.#current.epoch + 1, keys: epochKeys(theirs, this.#cipher), secret: theirs }
    return mine
  }

  #send(secret: Uint8Array): void {
    this.#sendSecret.fill(0)
    this.#sendSecret = secret
    this.#sendKeys = epochKeys(secret, this.#cipher)
    this.#sendEpoch++
    this.#epochRecords = 0
    this.#epochBytes = 0
  }

  /** The peer sends under the next epoch: so it has our answer, where we have answered. */
  #promote(epoch: ReceiveEpoch, now: number): void {
    this.#previous?.secret.fill(0)
    this.#previous = { ...this.#current, until: now + EPOCH_GRACE }
    this.#current = epoch
    this.#next = undefined
    if (this.#nextSend === undefined) return
    this.#rekeying.done()
    this.#send(this.#nextSend)
    this.#nextSend = undefined
  }

  #epochOf(low: number, now: number): ReceiveEpoch {
    if (this.#previous !== undefined && now > this.#previous.until) {
      this.#previous.secret.fill(0)
      this.#previous = undefined
    }
    for (const epoch of [this.#current, this.#next, this.#previous]) {
      if (epoch !== undefined && (epoch.epoch & 0xff) === low) return epoch
    }
    throw new ProtocolError('channel.record.epoch', `there is no key for epoch ${low}`)
  }

  #pad(content: Uint8Array): Uint8Array {
    const { padding, mtu } = this.#settings
    if (padding === 0) return content
    const least = PADDED_HEADER + content.length
    const padded = new Uint8Array(
      Math.max(least, Math.min(Math.ceil(least / padding) * padding, mtu - DATAGRAM_OVERHEAD)),
    )
    padded[0] = CONTENT.padded
    writeU32(padded, 1, content.length)
    padded.set(content, PADDED_HEADER)
    return padded
  }
}

function reached(records: number, bytes: number, limits: EpochLimits): boolean {
  return records >= limits.records || bytes >= limits.bytes
}
