import type { Clock, EthernetSocket, OpenEthernet } from '@gridseal/transport'
import { SYSTEM_CLOCK, openEthernet } from '@gridseal/transport'
import type { Observable } from 'rxjs'
import { Subject } from 'rxjs'

/** What stations are given in the place of this machine's. */
export interface StationParts {
  /** Default: raw Ethernet of this machine. */
  readonly openEthernet?: OpenEthernet
  /** Default: the system's. */
  readonly clock?: Clock
}

/** A pure supervision, as a subscriber drives it. */
export interface Supervision<Event> {
  /** What a frame tells. */
  hear(frame: Uint8Array, now: number): readonly Event[]
  /** When silence is too long; `Infinity`: never. */
  readonly expires: number
  /** Whether it has just been too long; true once. */
  expire(now: number): boolean
}

/** The publisher was silent for longer than it may. */
export interface LostEvent {
  readonly kind: 'lost'
}

/** Feeds a supervision with the frames of an interface, and with time. */
export class SupervisedSocket<Event> {
  readonly #socket: EthernetSocket
  readonly #supervision: Supervision<Event>
  readonly #clock: Clock
  readonly #events = new Subject<Event | LostEvent>()
  #cancel: (() => void) | undefined
  /** When the timer that runs goes off. */
  #awaited = Infinity

  private constructor(socket: EthernetSocket, supervision: Supervision<Event>, clock: Clock) {
    this.#socket = socket
    this.#supervision = supervision
    this.#clock = clock
    socket.datagrams.subscribe(({ bytes }) => this.#hear(bytes))
  }

  /** Rejects as `openEthernet` does. `destinations`: what is heard; undefined: all. */
  static async open<Event>(
    url: string,
    etherType: number,
    destinations: readonly string[] | undefined,
    supervision: Supervision<Event>,
    { openEthernet: open = openEthernet, clock = SYSTEM_CLOCK }: StationParts,
  ): Promise<SupervisedSocket<Event>> {
    const socket = await open({ url, etherType, ...(destinations === undefined ? {} : { destinations }) })
    return new SupervisedSocket(socket, supervision, clock)
  }

  get events(): Observable<Event | LostEvent> {
    return this.#events
  }

  async close(): Promise<void> {
    this.#cancel?.()
    await this.#socket.close()
    this.#events.complete()
  }

  #hear(frame: Uint8Array): void {
    const events = this.#supervision.hear(frame, this.#clock.now())
    this.#await()
    for (const event of events) this.#events.next(event)
  }

  /**
   * A timer for each message would be moved thousands of times a second: the one that runs looks again when it goes off, and is
   * only moved to an earlier time.
   */
  #await(): void {
    const { expires } = this.#supervision
    if (expires === Infinity || (this.#cancel !== undefined && this.#awaited <= expires)) return
    this.#cancel?.()
    this.#awaited = expires
    this.#cancel = this.#clock.after(Math.max(0, expires - this.#clock.now()), () => {
      this.#cancel = undefined
      if (this.#supervision.expire(this.#clock.now())) this.#events.next({ kind: 'lost' })
      else this.#await()
    })
  }
}
