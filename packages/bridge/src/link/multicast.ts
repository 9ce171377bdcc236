import type { Framer } from '@gridseal/adapter'
import type { Entry, SequencedEntry } from '@gridseal/envelope'
import type { DatagramSocket } from '@gridseal/transport'
import { openMulticast } from '@gridseal/transport'
import type { Observable } from 'rxjs'
import { NEVER, Subject } from 'rxjs'
import { carriedDatagrams } from './datagram.ts'
import type { Credit, LinkContext, LinkCounters, LinkEnd } from './end.ts'
import { newCounters } from './end.ts'

/** Where a multicast group is. */
export interface MulticastPlace {
  /** `udp://239.1.2.3:5000`. */
  readonly group: string
  /** Address of the interface; undefined: the system's choice. */
  readonly interface?: string | undefined
}

/** One end of a multicast link: hears the group on this side, and speaks to it what comes from the others. */
export class MulticastEnd implements LinkEnd {
  readonly id: string
  readonly counters: LinkCounters = newCounters()
  readonly credits: Observable<Credit> = NEVER
  readonly #context: LinkContext
  readonly #place: MulticastPlace
  readonly #entries = new Subject<readonly Entry[]>()
  readonly #framer: Framer
  #socket: DatagramSocket | undefined
  #seen = { discarded: 0, invalid: 0 }

  constructor(context: LinkContext, place: MulticastPlace) {
    const { config, adapter, inbound } = context
    this.id = config.id
    this.#context = context
    this.#place = place
    this.#framer = adapter.framer({
      medium: 'datagram',
      direction: inbound,
      keepInvalid: config.keepInvalid,
      ...(config.framing === undefined ? {} : { framing: config.framing }),
    })
  }

  get entries(): Observable<readonly Entry[]> {
    return this.#entries
  }

  /** The group, with the real port. */
  get url(): string {
    return this.#socket?.url ?? ''
  }

  async start(): Promise<void> {
    const { group, interface: local } = this.#place
    this.#socket = await openMulticast({ group, ...(local === undefined ? {} : { interface: local }) })
    this.#socket.datagrams.subscribe(({ bytes }) => this.#read(bytes))
  }

  async stop(): Promise<void> {
    await this.#socket?.close()
  }

  deliver(entry: SequencedEntry): void {
    if (entry.kind === 'frame') this.send(entry.bytes)
  }

  /** Sends a frame to the group on this side. */
  send(bytes: Uint8Array): void {
    if (this.#socket?.send(bytes) === true) {
      this.counters.framesOut++
      this.counters.bytesOut += bytes.length
    } else this.counters.orphaned++
  }

  offer(entry: SequencedEntry): boolean {
    this.deliver(entry)
    return true
  }

  refuse(): void {}

  credit(): void {}

  restate(): void {}

  peerRestarted(): void {}

  /** Real-time traffic waits for nothing: what is not signed in time is said, not held back. */
  setPaused(): void {}

  setFarSide(): void {}

  #read(datagram: Uint8Array): void {
    const { config, policy, inbound, now } = this.#context
    const units = carriedDatagrams(this.#framer, datagram, (frame) => {
      const passes = policy === undefined || policy(frame, inbound) === 'pass'
      if (!passes) this.counters.denied++
      return passes
    })
    this.counters.discarded += this.#framer.discarded - this.#seen.discarded
    this.counters.invalid += this.#framer.invalid - this.#seen.invalid
    this.#seen = { discarded: this.#framer.discarded, invalid: this.#framer.invalid }
    const time = now()
    const { id: link, protocol } = config
    for (const { unit, frames } of units) {
      this.counters.framesIn += frames
      this.counters.bytesIn += unit.length
      this.#entries.next([{ kind: 'frame', link, connection: 0, direction: inbound, time, protocol, bytes: unit }])
    }
  }
}
