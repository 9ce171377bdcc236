import type { FrameEntry } from '@gridseal/envelope'
import type { Framer } from '@gridseal/adapter'
import type { LinkContext, LinkCounters } from './end.ts'

/** Makes entries of the datagrams that come in on a link: only frames are carried, and those that policy lets pass. */
export class DatagramReader {
  readonly #context: LinkContext
  readonly #counters: LinkCounters
  readonly #framer: Framer
  #seenDiscarded = 0
  #seenInvalid = 0

  constructor(context: LinkContext, counters: LinkCounters) {
    this.#context = context
    this.#counters = counters
    const { config, adapter, inbound } = context
    this.#framer = adapter.framer({
      medium: 'datagram',
      direction: inbound,
      keepInvalid: config.keepInvalid,
      ...(config.framing === undefined ? {} : { framing: config.framing }),
    })
  }

  /** What of a datagram is carried, one entry for each datagram that is to leave on the other side. */
  read(datagram: Uint8Array): { readonly entry: FrameEntry; readonly frames: number }[] {
    const { config, policy, inbound, now } = this.#context
    const counters = this.#counters
    const units = carriedDatagrams(this.#framer, datagram, (frame) => {
      const passes = policy === undefined || policy(frame, inbound) === 'pass'
      if (!passes) counters.denied++
      return passes
    })
    counters.discarded += this.#framer.discarded - this.#seenDiscarded
    counters.invalid += this.#framer.invalid - this.#seenInvalid
    this.#seenDiscarded = this.#framer.discarded
    this.#seenInvalid = this.#framer.invalid
    const time = now()
    const { id: link, protocol } = config
    return units.map(({ unit: bytes, frames }) => ({
      entry: { kind: 'frame', link, connection: 0, direction: inbound, time, protocol, bytes },
      frames,
    }))
  }

  /** Counts what {@link read} gave and was passed on. */
  passed({ bytes }: FrameEntry, frames: number): void {
    this.#counters.framesIn += frames
    this.#counters.bytesIn += bytes.length
  }
}

/** What of a datagram is carried: all of it if it is nothing but frames that pass, else those frames one by one. */
export function carriedDatagrams(
  framer: Framer,
  datagram: Uint8Array,
  passes: (frame: Uint8Array) => boolean = () => true,
): { readonly unit: Uint8Array; readonly frames: number }[] {
  const all = framer.push(datagram)
  framer.reset()
  const passing = all.filter((frame) => passes(frame))
  if (passing.length === 0) return []
  const length = passing.reduce((sum, frame) => sum + frame.length, 0)
  if (length === datagram.length) return [{ unit: datagram, frames: passing.length }]
  return passing.map((unit) => ({ unit, frames: 1 }))
}
