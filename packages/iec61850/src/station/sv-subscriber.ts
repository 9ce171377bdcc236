import type { Clock, EthernetSocket } from '@gridseal/transport'
import { SYSTEM_CLOCK, openEthernet } from '@gridseal/transport'
import type { Observable } from 'rxjs'
import { Subject } from 'rxjs'
import { ETHER_TYPE_SV } from '../codec/process-bus/header.ts'
import { examineSv } from '../codec/process-bus/sampled-values.ts'
import type { SvCounters, SvExpectation, SvVerdict } from '../session/sv/supervision.ts'
import { SvSupervision } from '../session/sv/supervision.ts'
import type { StationParts } from './goose-publisher.ts'

/** What a subscriber is told. */
export type SvEvent = SvVerdict | { readonly kind: 'lost' }

export interface SvSubscriberOptions extends SvExpectation {
  /** Destinations that are heard; default all. */
  readonly destinations?: readonly string[]
}

/**
 * Hears one stream of sampled values on an interface and supervises it: samples, gaps in their counts, what is refused and
 * why, and that they stopped.
 *
 * @example
 * const subscriber = await SvSubscriber.open('eth://eth1', { svId: 'MU01', octets: 64, samplesPerSecond: 4000 })
 * subscriber.events.subscribe((event) => {
 *   if (event.kind === 'sample') console.log(event.asdu.smpCnt, decodeSample(event.asdu.sample))
 * })
 */
export class SvSubscriber {
  readonly #socket: EthernetSocket
  readonly #supervision: SvSupervision
  readonly #clock: Clock
  readonly #events = new Subject<SvEvent>()
  #cancel: (() => void) | undefined

  private constructor(socket: EthernetSocket, supervision: SvSupervision, clock: Clock) {
    this.#socket = socket
    this.#supervision = supervision
    this.#clock = clock
    socket.datagrams.subscribe(({ bytes }) => this.#take(bytes))
  }

  /** Rejects as `openEthernet` does, and with `UsageError` for options that are wrong. */
  static async open(
    url: string,
    { destinations, ...expected }: SvSubscriberOptions,
    parts: StationParts = {},
  ): Promise<SvSubscriber> {
    const supervision = new SvSupervision(expected)
    const heard = destinations === undefined ? {} : { destinations }
    const socket = await (parts.openEthernet ?? openEthernet)({ url, etherType: ETHER_TYPE_SV, ...heard })
    return new SvSubscriber(socket, supervision, parts.clock ?? SYSTEM_CLOCK)
  }

  get events(): Observable<SvEvent> {
    return this.#events
  }

  get counters(): Readonly<SvCounters> {
    return this.#supervision.counters
  }

  /** Samples a second, as told or learnt. */
  get samplesPerSecond(): number | undefined {
    return this.#supervision.samplesPerSecond
  }

  async close(): Promise<void> {
    this.#cancel?.()
    await this.#socket.close()
    this.#events.complete()
  }

  #take(bytes: Uint8Array): void {
    for (const verdict of this.#supervision.take(examineSv(bytes), this.#clock.now())) this.#events.next(verdict)
    if (this.#cancel === undefined) this.#await()
  }

  /** One timer for many samples: it waits for the time that was known when it began, then looks again. */
  #await(): void {
    const { expires } = this.#supervision
    if (expires === Infinity) return
    this.#cancel = this.#clock.after(Math.max(0, expires - this.#clock.now()), () => {
      this.#cancel = undefined
      if (this.#supervision.expire(this.#clock.now())) this.#events.next({ kind: 'lost' })
      else this.#await()
    })
  }
}
