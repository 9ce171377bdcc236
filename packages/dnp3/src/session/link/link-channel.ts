import type { Framer } from '@gridseal/adapter'
import type { LinkFrame } from '../../codec/link-frame.ts'
import { readLinkFrame } from '../../codec/link-frame.ts'
import { createFramer } from '../../framing/framer.ts'
import type { Outbox } from '../outbox.ts'
import { NEVER } from '../outbox.ts'

/** A station on a channel: an outstation, or a master's side of one. */
export interface ChannelStation {
  /** When {@link advance} has something to do; Infinity: nothing is due. */
  readonly wake: number
  accepts(frame: LinkFrame): boolean
  receive(frame: LinkFrame, now: number): void
  advance(now: number): void
  opened(now: number): void
  closed(now: number): void
  /** Octets came over a serial line, for whomever. */
  heard?(now: number): void
}

/**
 * A connection or line with any number of stations on it (multi-drop): octets are cut into frames, and each frame goes to
 * the stations that it is meant for. Pure: what is to be sent waits in the outbox.
 */
export class LinkChannel {
  readonly outbox: Outbox
  readonly #framer: Framer
  readonly #stations = new Set<ChannelStation>()
  readonly #serial: boolean
  #open = false
  /** Frames that no station took. */
  unclaimed = 0

  constructor(medium: 'stream' | 'serial' | 'datagram', role: 'master' | 'outstation', outbox: Outbox) {
    this.outbox = outbox
    this.#serial = medium === 'serial'
    this.#framer = createFramer({ medium, direction: role === 'master' ? 'to-master' : 'to-device' })
  }

  /** Octets that belong to no frame, and frames with wrong check sums. */
  get noise(): { readonly discarded: number; readonly invalid: number } {
    const { discarded, invalid } = this.#framer
    return { discarded, invalid }
  }

  get wake(): number {
    let wake = NEVER
    for (const station of this.#stations) wake = Math.min(wake, station.wake)
    return wake
  }

  /** Octets of an unfinished frame are held: a line that falls silent should be told with {@link quiet}. */
  get pending(): boolean {
    return this.#framer.pending > 0
  }

  add(station: ChannelStation, now: number): void {
    this.#stations.add(station)
    if (this.#open) station.opened(now)
  }

  remove(station: ChannelStation, now: number): void {
    if (this.#stations.delete(station) && this.#open) station.closed(now)
  }

  opened(now: number): void {
    this.#open = true
    for (const station of this.#stations) station.opened(now)
  }

  closed(now: number): void {
    this.#open = false
    this.#framer.reset()
    for (const station of this.#stations) station.closed(now)
  }

  push(chunk: Uint8Array, now: number): void {
    if (this.#serial) for (const station of this.#stations) station.heard?.(now)
    this.#dispatch(this.#framer.push(chunk), now)
  }

  quiet(now: number): void {
    this.#dispatch(this.#framer.quiet(), now)
  }

  advance(now: number): void {
    for (const station of this.#stations) if (station.wake <= now) station.advance(now)
  }

  #dispatch(frames: readonly Uint8Array[], now: number): void {
    for (const bytes of frames) {
      const frame = readLinkFrame(bytes)
      let claimed = false
      for (const station of this.#stations) {
        if (!station.accepts(frame)) continue
        claimed = true
        station.receive(frame, now)
      }
      if (!claimed) this.unclaimed++
    }
  }
}
