import type { Observable } from 'rxjs'
import { ETHER_TYPE_SV } from '../codec/process-bus/header.ts'
import { examineSv } from '../codec/process-bus/sampled-values.ts'
import type { SvCounters, SvExpectation, SvVerdict } from '../session/sv/supervision.ts'
import { SvSupervision } from '../session/sv/supervision.ts'
import type { LostEvent, StationParts } from './subscriber.ts'
import { SupervisedSocket } from './subscriber.ts'

/** What a subscriber is told. */
export type SvEvent = SvVerdict | LostEvent

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
  readonly #socket: SupervisedSocket<SvVerdict>
  readonly #supervision: SvSupervision

  private constructor(socket: SupervisedSocket<SvVerdict>, supervision: SvSupervision) {
    this.#socket = socket
    this.#supervision = supervision
  }

  /** Rejects as `openEthernet` does, and with `UsageError` for options that are wrong. */
  static async open(
    url: string,
    { destinations, ...expected }: SvSubscriberOptions,
    parts: StationParts = {},
  ): Promise<SvSubscriber> {
    const supervision = new SvSupervision(expected)
    const heard = {
      hear: (frame: Uint8Array, now: number): SvVerdict[] => supervision.take(examineSv(frame), now),
      get expires(): number {
        return supervision.expires
      },
      expire: (now: number): boolean => supervision.expire(now),
    }
    const socket = await SupervisedSocket.open(url, ETHER_TYPE_SV, destinations, heard, parts)
    return new SvSubscriber(socket, supervision)
  }

  get events(): Observable<SvEvent> {
    return this.#socket.events
  }

  get counters(): Readonly<SvCounters> {
    return this.#supervision.counters
  }

  /** Samples a second, as told or learnt. */
  get samplesPerSecond(): number | undefined {
    return this.#supervision.samplesPerSecond
  }

  close(): Promise<void> {
    return this.#socket.close()
  }
}
