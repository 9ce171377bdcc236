import type { Entry, SequencedEntry } from '@gridseal/envelope'
import type { DatagramSocket } from '@gridseal/transport'
import { openDatagram, resolveDatagram } from '@gridseal/transport'
import type { Observable } from 'rxjs'
import { NEVER, Subject } from 'rxjs'
import type { FieldLinkConfig, HeadEndLinkConfig } from '../config/model.ts'
import { DatagramReader } from './datagram-reader.ts'
import type { Credit, LinkContext, LinkCounters, LinkEnd } from './end.ts'
import { newCounters } from './end.ts'
import { Pace } from './pace.ts'
import { UdpMaster } from './udp-master.ts'

/** Of datagrams of others is spoken so often, ns. */
const SAY_EVERY = 60_000_000_000n

/**
 * Either end of a UDP link. A datagram is carried as one frame, so that its borders stay. The device's end hears and sends to
 * the device alone, and the masters' end the master, see {@link UdpMaster}. UDP has no flow control: while the sealer is
 * full, datagrams are lost and counted, as they would be in any router.
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
  /** Undefined at the device's end. */
  #master: UdpMaster | undefined
  /** When it was said last that others are not heard. */
  #saidAt: bigint | undefined
  readonly #pace: Pace
  #paused = false

  constructor(context: LinkContext, config: FieldLinkConfig | HeadEndLinkConfig) {
    this.id = config.id
    this.#context = context
    if ('device' in config) {
      const bind = config.bind === undefined ? {} : { bind: config.bind }
      this.#open = () => openDatagram({ peer: config.device, ...bind })
    } else this.#open = () => this.#openForMasters(config)
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

  async #openForMasters({ master, allow, peer }: HeadEndLinkConfig): Promise<DatagramSocket> {
    const socket = await openDatagram({ bind: master, ...(allow === undefined ? {} : { allow }) })
    try {
      const target = peer === undefined ? undefined : await resolveDatagram(peer, socket.url)
      this.#master = new UdpMaster({ peer: target, several: allow !== undefined })
      return socket
    } catch (error) {
      await socket.close()
      throw error
    }
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
    return this.#canSend && this.#pace.take() && this.#send(entry.bytes)
  }

  deliver(entry: SequencedEntry): void {
    if (entry.kind === 'event') return
    if (!this.#canSend || !this.#send(entry.bytes)) this.counters.orphaned++
  }

  /** Whether there is somebody to send to. */
  get #canSend(): boolean {
    return this.#socket !== undefined && (this.#master === undefined || this.#master.target !== undefined)
  }

  #send(bytes: Uint8Array): boolean {
    if (this.#socket?.send(bytes, this.#master?.target) !== true) return false
    this.counters.framesOut++
    this.counters.bytesOut += bytes.length
    return true
  }

  #read(datagram: Uint8Array, from: string): void {
    const now = this.#context.now()
    if (this.#master?.admits(from, now) === false) return this.#foreign(from, now)
    const units = this.#reader.read(datagram)
    if (this.#paused) {
      this.counters.discarded += datagram.length
      return
    }
    if (units.length > 0) this.#master?.heard(from, now)
    for (const { entry, frames } of units) {
      this.#reader.passed(entry, frames)
      this.#entries.next([entry])
    }
  }

  #foreign(from: string, now: bigint): void {
    this.counters.foreign++
    const since = this.#saidAt === undefined ? SAY_EVERY : now - this.#saidAt
    if (since >= 0n && since < SAY_EVERY) return
    this.#saidAt = now
    const message = `${from} is not the master of the link ${this.id} and is not heard; \`allow\` names several`
    this.#context.report({ level: 'warn', code: 'link.foreign', message, details: { link: this.id, from } })
  }
}
