import type { Observable } from 'rxjs'
import { examineGoose } from '../codec/process-bus/goose.ts'
import { ETHER_TYPE_GOOSE } from '../codec/process-bus/header.ts'
import type { GooseCounters, GooseExpectation, GooseVerdict } from '../session/goose/supervision.ts'
import { GooseSupervision } from '../session/goose/supervision.ts'
import type { LostEvent, StationParts } from './subscriber.ts'
import { SupervisedSocket } from './subscriber.ts'

/** What a subscriber is told. */
export type GooseEvent = GooseVerdict | LostEvent

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
  readonly #socket: SupervisedSocket<GooseVerdict>
  readonly #supervision: GooseSupervision

  private constructor(socket: SupervisedSocket<GooseVerdict>, supervision: GooseSupervision) {
    this.#socket = socket
    this.#supervision = supervision
  }

  /** Rejects as `openEthernet` does, and with `UsageError` for options that are wrong. */
  static async open(
    url: string,
    { destinations, ...expected }: GooseSubscriberOptions,
    parts: StationParts = {},
  ): Promise<GooseSubscriber> {
    const supervision = new GooseSupervision(expected)
    const heard = {
      hear: (frame: Uint8Array, now: number): GooseVerdict[] => {
        const verdict = supervision.take(examineGoose(frame), now, Date.now())
        return verdict.kind === 'refused' && verdict.reason === 'gocbRef' ? [] : [verdict]
      },
      get expires(): number {
        return supervision.expires
      },
      expire: (now: number): boolean => supervision.expire(now),
    }
    const socket = await SupervisedSocket.open(url, ETHER_TYPE_GOOSE, destinations, heard, parts)
    return new GooseSubscriber(socket, supervision)
  }

  get events(): Observable<GooseEvent> {
    return this.#socket.events
  }

  get counters(): Readonly<GooseCounters> {
    return this.#supervision.counters
  }

  /** Whether the last state may be acted on. */
  get valid(): boolean {
    return this.#supervision.valid
  }

  /**
   * Begins anew: the next message is the base line, whatever its numbers and its time. For people who know why messages are
   * refused with `clock`: the publisher's clock was ahead, and has been set.
   */
  reset(): void {
    this.#supervision.reset()
  }

  close(): Promise<void> {
    return this.#socket.close()
  }
}
