import type { Content, DataContent } from '../record/content.ts'
import type { ChannelEnd } from '../messages.ts'
import { AckRanges } from './ack-ranges.ts'
import { SEGMENT_HEADER, encodeAck, encodePing, encodeSegment } from './content.ts'
import type { MutableDatagramCounters } from './counters.ts'
import type { PathAddress, Paths } from './paths.ts'
import type { DatagramRecords } from './records.ts'
import type { Recovery } from './recovery.ts'
import type { Streams } from './streams.ts'

/** What a session wants done, in order. */
export type SessionEffect =
  | { readonly kind: 'send'; readonly path: PathAddress; readonly packet: Uint8Array }
  /** A message that came by itself, in no order. */
  | { readonly kind: 'message'; readonly content: DataContent }
  | Extract<Content, { kind: 'ticket' }>
  | { readonly kind: 'ended'; readonly end: ChannelEnd }

export interface TransmitterParts {
  readonly records: DatagramRecords
  readonly streams: Streams
  readonly recovery: Recovery
  readonly paths: Paths
  readonly counters: MutableDatagramCounters
  /** Milliseconds between two questions whether the peer takes more. */
  readonly patience: number
}

/** The sending half of a session: what goes into records, when, and over which paths. */
export class Transmitter {
  /** Records of the peer that have come. */
  readonly received: AckRanges = new AckRanges()
  /** The peer waits for an ack. */
  ackDue = false
  /** Something should be sent that the peer answers. */
  pingDue = false
  readonly #parts: TransmitterParts
  #effects: SessionEffect[] = []
  /** When to ask again whether the peer takes more. */
  #askAt = Number.NEGATIVE_INFINITY

  constructor(parts: TransmitterParts) {
    this.#parts = parts
  }

  /** When {@link tick} wants to be called. */
  get wake(): number {
    const { streams, recovery } = this.#parts
    return streams.blocked && !recovery.busy ? this.#askAt : Number.POSITIVE_INFINITY
  }

  /** Who waits to be allowed more asks, since what allows it may have been lost; but not again with every answer. */
  tick(now: number): void {
    if (now < this.wake) return
    this.pingDue = true
    this.#askAt = now + this.#parts.patience
  }

  /** Adds an effect that is no packet. */
  also(effect: SessionEffect): void {
    this.#effects.push(effect)
  }

  /** All effects since the last call. */
  drain(): SessionEffect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  /** Sends a content to wherever contents go now; returns the length of its packet. */
  send(content: Uint8Array, now: number): number {
    return this.sendTo(this.#parts.paths.targets(now), content)
  }

  sendTo(targets: readonly PathAddress[], content: Uint8Array): number {
    const { records, paths, counters } = this.#parts
    const packet = records.seal(content)
    for (const path of targets) {
      if (paths.spend(path, packet.length)) this.#effects.push({ kind: 'send', path, packet })
      else counters.withheld++
    }
    return packet.length
  }

  /** Sends acks, and as much of the streams as may be under way and `ready` lets out. */
  flush(now: number, ready: () => boolean): void {
    const { records, streams, recovery } = this.#parts
    if (this.ackDue) {
      this.ackDue = false
      const { ranges } = this.received
      this.send(encodeAck({ limit: streams.tellLimit(), ranges }, records.room), now)
    }
    while (recovery.open && streams.ready && ready()) {
      const segment = streams.next(records.room - SEGMENT_HEADER)
      if (segment === undefined) break
      const { sequence } = records
      recovery.sent(sequence, this.send(encodeSegment(segment), now), segment, now)
    }
    if (!this.pingDue) return
    this.pingDue = false
    const { sequence } = records
    recovery.sent(sequence, this.send(encodePing(), now), undefined, now)
  }
}
