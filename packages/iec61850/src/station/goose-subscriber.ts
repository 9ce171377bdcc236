import type { Clock, EthernetSocket } from '@gridseal/transport'
import { SYSTEM_CLOCK, openEthernet } from '@gridseal/transport'
import type { Observable } from 'rxjs'
import { Subject } from 'rxjs'
import { examineGoose } from '../codec/process-bus/goose.ts'
import { ETHER_TYPE_GOOSE } from '../codec/process-bus/header.ts'
import type { GooseCounters, GooseExpectation, GooseVerdict } from '../session/goose/supervision.ts'
import { GooseSupervision } from '../session/goose/supervision.ts'
import type { StationParts } from './goose-publisher.ts'

/** What a subscriber is told. */
export type GooseEvent = GooseVerdict | { readonly kind: 'lost' }

export interface GooseSubscriberOptions extends GooseExpectation {
  /** Destinations that are heard; default all. */
  readonly destinations?: readonly string[]
}

/**
 * Hears one GOOSE control block on an interface and supervises it: new states, repetitions, what is refused and why, and
 * that the publisher was silent for longer than it allows. Frames of other control blocks are not told of.
 *
 * @example
 * const subscriber = await GooseSubscriber.open('eth://eth1', { gocbRef: 'IED1LD0/LLN0$GO$gcb1', confRev: 1 })
 * subscriber.events.subscribe((event) => {
 *   if (event.kind === 'state') console.log(event.pdu.allData)
 *   if (event.kind === 'lost') console.log('the publisher is silent')
 * })
 */
export class GooseSubscriber {
  readonly #socket: EthernetSocket
  readonly #supervision: GooseSupervision
  readonly #clock: Clock
  readonly #events = new Subject<GooseEvent>()
  #cancel: (() => void) | undefined
  #awaited = Infinity

  private constructor(socket: EthernetSocket, supervision: GooseSupervision, clock: Clock) {
    this.#socket = socket
    this.#supervision = supervision
    this.#clock = clock
    socket.datagrams.subscribe(({ bytes }) => this.#take(bytes))
  }

  /** Rejects as `openEthernet` does, and with `UsageError` for options that are wrong. */
  static async open(
    url: string,
    { destinations, ...expected }: GooseSubscriberOptions,
    parts: StationParts = {},
  ): Promise<GooseSubscriber> {
    const supervision = new GooseSupervision(expected)
    const heard = destinations === undefined ? {} : { destinations }
    const socket = await (parts.openEthernet ?? openEthernet)({ url, etherType: ETHER_TYPE_GOOSE, ...heard })
    return new GooseSubscriber(socket, supervision, parts.clock ?? SYSTEM_CLOCK)
  }

  get events(): Observable<GooseEvent> {
    return this.#events
  }

  get counters(): Readonly<GooseCounters> {
    return this.#supervision.counters
  }

  /** Whether the last state may be acted on. */
  get valid(): boolean {
    return this.#supervision.valid
  }

  async close(): Promise<void> {
    this.#cancel?.()
    await this.#socket.close()
    this.#events.complete()
  }

  #take(bytes: Uint8Array): void {
    const verdict = this.#supervision.take(examineGoose(bytes), this.#clock.now())
    this.#await()
    if (verdict.kind !== 'refused' || verdict.reason !== 'gocbRef') this.#events.next(verdict)
  }

  /** A timer for each message would be moved thousands of times a second: it waits for the time that was known when it began. */
  #await(): void {
    const { expires } = this.#supervision
    if (expires === Infinity || (this.#cancel !== undefined && this.#awaited <= expires)) return
    this.#cancel?.()
    this.#awaited = expires
    this.#cancel = this.#clock.after(Math.max(0, expires - this.#clock.now()), () => this.#due())
  }

  #due(): void {
    this.#cancel = undefined
    if (this.#supervision.expire(this.#clock.now())) this.#events.next({ kind: 'lost' })
    else this.#await()
  }
}
