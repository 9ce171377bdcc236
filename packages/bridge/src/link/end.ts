import type { Direction, ProtocolAdapter } from '@gridseal/adapter'
import type { Entry, SequencedEntry } from '@gridseal/envelope'
import type { Observable } from 'rxjs'
import type { LinkConfig } from '../config/model.ts'
import type { Report } from '../events.ts'
import type { Policy } from '../policy.ts'

/** Counters of one end of a link. */
export interface LinkCounters {
  /** Connections that are open now. */
  connections: number
  /** Connections opened since the start. */
  opened: number
  /** Connections refused because the far side was away. */
  refused: number
  /** Frames taken from the local side. */
  framesIn: number
  bytesIn: number
  /** Frames given to the local side. */
  framesOut: number
  bytesOut: number
  /** Bytes from the local side that belonged to no frame. */
  discarded: number
  /** Frames from the local side with a wrong check sum or an impossible header. */
  invalid: number
  /** Frames that policy held back. */
  denied: number
  /**
   * Ethernet: frames, from either side, of another EtherType, destination or APPID than the link carries. UDP: datagrams of
   * others than the link's master.
   */
  foreign: number
  /** Ethernet: frames, from either side, that had passed here a moment before: our own, or doubled on the way. */
  again: number
  /** Frames from the far side that were too old to deliver. */
  stale: number
  /** Frames from the far side for a connection that is gone. */
  orphaned: number
  /** Requests answered here because the device was out of reach. */
  answered: number
}

/** How many frame bytes of one connection have been taken in all: see `CreditAccount`. */
export interface Credit {
  readonly connection: number
  readonly total: number
}

/**
 * One end of a link: the device's on a field bridge, the masters' on a head-end bridge. It turns local traffic into
 * entries and entries from the far side into local traffic.
 */
export interface LinkEnd {
  readonly id: string
  readonly counters: LinkCounters
  /** Entries from the local side, in order; frames in arrays, one per chunk read. */
  readonly entries: Observable<readonly Entry[]>
  /** Credits for the far side, as its bytes leave on the local side. */
  readonly credits: Observable<Credit>
  start(): Promise<void>
  stop(): Promise<void>
  /**
   * Takes an entry from the far side. Never throws. `until`: when a frame that must wait here is too old, ms of
   * `performance.now()`; undefined: never.
   */
  deliver(entry: SequencedEntry, until?: number): void
  /** Takes a frame that was kept for it, or returns false: it must be offered again later. Never throws. */
  offer(entry: SequencedEntry): boolean
  /** Accounts for a frame from the far side that may not be delivered; `reset` breaks its connection off as well. */
  refuse(entry: SequencedEntry, reset: boolean): void
  /** The far side has room for more on a connection. */
  credit(credit: Credit): void
  /** Tells the totals of all live connections again: a new channel is up. */
  restate(): void
  /** The far bridge is another process now: what was under way to it is gone. */
  peerRestarted(): void
  /** Stops and resumes reading the local side: the sealer is full. */
  setPaused(paused: boolean): void
  /** The far side came or went for good: without it local connections are closed and refused. */
  setFarSide(present: boolean, why: string): void
}

/** What every kind of end is built from. */
export interface LinkContext {
  readonly config: LinkConfig
  readonly adapter: ProtocolAdapter
  /** Direction of frames that come from the local side. */
  readonly inbound: Direction
  readonly policy: Policy | undefined
  /** What comes from the local side is kept until the far side has it. */
  readonly store?: string | undefined
  readonly now: () => bigint
  readonly report: Report
}

export function newCounters(): LinkCounters {
  return {
    connections: 0,
    opened: 0,
    refused: 0,
    framesIn: 0,
    bytesIn: 0,
    framesOut: 0,
    bytesOut: 0,
    discarded: 0,
    invalid: 0,
    denied: 0,
    foreign: 0,
    again: 0,
    stale: 0,
    orphaned: 0,
    answered: 0,
  }
}
