import type { Entry, SequencedEntry } from '@gridseal/envelope'
import type { DatagramSocket } from '@gridseal/transport'
import { performance } from 'node:perf_hooks'
import type { Observable } from 'rxjs'
import { NEVER, Subject } from 'rxjs'
import { DatagramReader } from './datagram-reader.ts'
import type { Credit, LinkContext, LinkCounters, LinkEnd } from './end.ts'
import { newCounters } from './end.ts'
import type { GroupNetwork } from './group-network.ts'

/** One end of a multicast link: hears the group on this side, and speaks to it what comes from the others. */
export class MulticastEnd implements LinkEnd {
  readonly id: string
  readonly counters: LinkCounters = newCounters()
  readonly credits: Observable<Credit> = NEVER
  readonly #network: GroupNetwork
  readonly #entries = new Subject<readonly Entry[]>()
  readonly #reader: DatagramReader
  #socket: DatagramSocket | undefined

  constructor(context: LinkContext, network: GroupNetwork) {
    this.id = context.config.id
    this.#network = network
    this.#reader = new DatagramReader(context, this.counters)
  }

  get entries(): Observable<readonly Entry[]> {
    return this.#entries
  }

  /** The group with the real port, or the interface. */
  get url(): string {
    return this.#socket?.url ?? ''
  }

  async start(): Promise<void> {
    this.#socket = await this.#network.open()
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
    if (!this.#passes(bytes)) return
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

  /** Whether a frame may pass, in or out. */
  #passes(frame: Uint8Array): boolean {
    const obstacle = this.#network.obstacle(frame, performance.now())
    if (obstacle !== undefined) this.counters[obstacle]++
    return obstacle === undefined
  }

  #read(datagram: Uint8Array): void {
    if (!this.#passes(datagram)) return
    for (const { entry, frames } of this.#reader.read(datagram)) {
      this.#reader.passed(entry, frames)
      this.#entries.next([entry])
    }
  }
}
