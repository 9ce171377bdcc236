import type { Entry, SequencedEntry } from '@gridseal/envelope'
import type { DatagramSocket } from '@gridseal/transport'
import { openDatagram } from '@gridseal/transport'
import type { Observable } from 'rxjs'
import { NEVER, Subject } from 'rxjs'
import type { FieldLinkConfig, HeadEndLinkConfig } from '../config/model.ts'
import { DatagramReader } from './datagram-reader.ts'
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
  readonly #reader: DatagramReader
  #socket: DatagramSocket | undefined
  #master: string | undefined
  readonly #pace: Pace
  #paused = false

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
    this.#reader = new DatagramReader(context, this.counters)
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
    const units = this.#reader.read(datagram)
    if (this.#paused) {
      this.counters.discarded += datagram.length
      return
    }
    // Only who sends frames that are carried is answered: noise must not turn the answers away.
    if (units.length > 0) this.#master = from
    for (const { entry, frames } of units) {
      this.#reader.passed(entry, frames)
      this.#entries.next([entry])
    }
  }
}
