import type { Entry, SequencedEntry } from '@gridseal/envelope'
import type { Framer } from '@gridseal/adapter'
import type { DatagramSocket } from '@gridseal/transport'
import { openDatagram } from '@gridseal/transport'
import type { Observable } from 'rxjs'
import { NEVER, Subject } from 'rxjs'
import type { FieldLinkConfig, HeadEndLinkConfig } from '../config/model.ts'
import type { Credit, LinkContext, LinkCounters, LinkEnd } from './end.ts'
import { newCounters } from './end.ts'
import { Pace } from './pace.ts'

/**
 * Either end of a UDP link. A datagram is carried as one frame, so that its borders stay. The device's end sends to the
 * device; the masters' end answers to whoever sent the last frames. UDP has no flow control: while the sealer is full,
 * datagrams are lost and counted, as they would be in any router.
 */
export class DatagramEnd implements LinkEnd {
  readonly id: string
  readonly counters: LinkCounters = newCounters()
  readonly credits: Observable<Credit> = NEVER
  readonly #context: LinkContext
  readonly #open: () => Promise<DatagramSocket>
  readonly #entries = new Subject<readonly Entry[]>()
  readonly #framer: Framer
  #socket: DatagramSocket | undefined
  #master: string | undefined
  readonly #pace: Pace
  #paused = false
  #seenDiscarded = 0
  #seenInvalid = 0

  constructor(context: LinkContext, config: FieldLinkConfig | HeadEndLinkConfig) {
    this.id = config.id
    this.#context = context
    if ('device' in config) {
      const bind = config.bind === undefined ? {} : { bind: config.bind }
      this.#open = () => openDatagram({ peer: config.device, ...bind })
    } else {
      const allow = config.allow === undefined ? {} : { allow: config.allow }
      this.#open = () => openDatagram({ bind: config.master, ...allow })
      this.#master = config.peer
    }
    this.#pace = new Pace('pace' in config ? config.pace : 1000)
    this.#framer = context.adapter.framer({
      medium: 'datagram',
      direction: context.inbound,
      keepInvalid: config.keepInvalid,
      ...(config.framing === undefined ? {} : { framing: config.framing }),
    })
  }

  get entries(): Observable<readonly Entry[]> {
    return this.#entries
  }

  /** Where datagrams come in, with the real port. */
  get url(): string {
    return this.#socket?.url ?? ''
  }

  async start(): Promise<void> {
    this.#socket = await this.#open()
    this.#socket.datagrams.subscribe(({ bytes, from }) => this.#read(bytes, from))
  }

  async stop(): Promise<void> {
    await this.#socket?.close()
  }

  setFarSide(): void {}

  setPaused(paused: boolean): void {
    this.#paused = paused
  }

  credit(): void {}

  restate(): void {}

  peerRestarted(): void {}

  refuse(): void {}

  /** What was kept leaves at a pace that receivers can follow, and not before there is one. */
  offer(entry: SequencedEntry): boolean {
    if (entry.kind === 'event') return true
    const isDevice = this.#context.inbound === 'to-master'
    if (this.#socket === undefined || (!isDevice && this.#master === undefined) || !this.#pace.take()) return false
    if (!this.#socket.send(entry.bytes, isDevice ? undefined : this.#master)) return false
    this.counters.framesOut++
    this.counters.bytesOut += entry.bytes.length
    return true
  }

  deliver(entry: SequencedEntry): void {
    if (entry.kind === 'event') return
    const isDevice = this.#context.inbound === 'to-master'
    if (this.#socket === undefined || (!isDevice && this.#master === undefined)) {
      this.counters.orphaned++
      return
    }
    if (this.#socket.send(entry.bytes, isDevice ? undefined : this.#master)) {
      this.counters.framesOut++
      this.counters.bytesOut += entry.bytes.length
    } else this.counters.orphaned++
  }

  #read(datagram: Uint8Array, from: string): void {
    const { config, policy, inbound, now } = this.#context
    const units = carriedDatagrams(this.#framer, datagram, (frame) => {
      const passes = policy === undefined || policy(frame, inbound) === 'pass'
      if (!passes) this.counters.denied++
      return passes
    })
    this.counters.discarded += this.#framer.discarded - this.#seenDiscarded
    this.counters.invalid += this.#framer.invalid - this.#seenInvalid
    this.#seenDiscarded = this.#framer.discarded
    this.#seenInvalid = this.#framer.invalid
    if (this.#paused) {
      this.counters.discarded += datagram.length
      return
    }
    // Only who sends frames that are carried is answered: noise must not turn the answers away.
    if (units.length > 0) this.#master = from
    const time = now()
    const { id: link, protocol } = config
    for (const { unit, frames } of units) {
      this.counters.framesIn += frames
      this.counters.bytesIn += unit.length
      this.#entries.next([{ kind: 'frame', link, connection: 0, direction: inbound, time, protocol, bytes: unit }])
    }
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
