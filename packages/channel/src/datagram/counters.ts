import { AuthError, DecodeError, ProtocolError } from '@gridseal/wire'
import { newCounters } from '../counters.ts'
import type { ChannelCounters } from '../counters.ts'

/** What a channel over packets counts besides, from its establishment on. */
export interface DatagramCounters extends ChannelCounters {
  /** Pieces of streams sent again because they were lost or nothing was heard of them. */
  readonly segmentsRepeated: number
  /** Records that did not authenticate: corrupted on the way, or forged. */
  readonly forged: number
  /** Records that had come before: doubled on the way, sent over two paths, or replayed. */
  readonly replayed: number
  /** Records further behind the newest than the replay window remembers. */
  readonly tooOld: number
  /** Records under a key that this end does not have, or not any more. */
  readonly unknownEpoch: number
  /** Packets that are too short to be records. */
  readonly malformed: number
  /** Sequence numbers of the peer that have not come. */
  readonly missing: number
  /** Alerts in the clear that nobody believed. */
  readonly alertsIgnored: number
  /** Packets not sent: to an address that has not shown that it receives, or by themselves over a line that is full. */
  readonly withheld: number
  /** Times that another path was taken into use. */
  readonly pathChanges: number
  /** Milliseconds that this end's own fresh key agreements took, all together. */
  readonly rekeyMilliseconds: number
}

/** {@link DatagramCounters} from the inside. */
export type MutableDatagramCounters = { -readonly [K in keyof DatagramCounters]: number }

export function newDatagramCounters(): MutableDatagramCounters {
  return {
    ...newCounters(),
    segmentsRepeated: 0,
    forged: 0,
    replayed: 0,
    tooOld: 0,
    unknownEpoch: 0,
    malformed: 0,
    missing: 0,
    alertsIgnored: 0,
    withheld: 0,
    pathChanges: 0,
    rekeyMilliseconds: 0,
  }
}

/** Counts a record that was not taken. What is no fault of a record is thrown on. */
export function countRejected(counters: MutableDatagramCounters, error: unknown): void {
  if (error instanceof AuthError) counters.forged++
  else if (error instanceof DecodeError) counters.malformed++
  else if (!(error instanceof ProtocolError)) throw error
  else if (error.code === 'channel.record.replay') counters.replayed++
  else if (error.code === 'channel.record.old') counters.tooOld++
  else counters.unknownEpoch++
}
