import type { Clock, EthernetSocket } from '@gridseal/transport'
import type { Data } from '../codec/mms/data.ts'
import type { GoosePdu } from '../codec/process-bus/goose.ts'
import { encodeGooseFrame } from '../codec/process-bus/goose.ts'
import type { ProcessBusFrame } from '../codec/process-bus/header.ts'
import { ETHER_TYPE_GOOSE } from '../codec/process-bus/header.ts'
import type { UtcTime } from '../codec/utc-time.ts'
import { utcTimeOf } from '../codec/utc-time.ts'
import type { GooseControlBlock } from '../session/goose/publication.ts'
import { GoosePublication } from '../session/goose/publication.ts'
import type { PublisherAddress, PublisherOutput } from './publisher.ts'
import { openPublisher } from './publisher.ts'
import type { StationParts } from './subscriber.ts'

export interface GoosePublisherCounters {
  /** Messages that left. */
  sent: number
  /** Messages that the interface did not take; the repetition makes up for them. */
  dropped: number
}

/** A clock that is not known to be right: accuracy is not told. */
const UNSYNCHRONIZED = 0x3f

/**
 * Publishes one GOOSE control block on an interface, with its repetitions.
 *
 * @example
 * const publisher = await GoosePublisher.open('eth://eth1',
 *   { destination: '01-0C-CD-01-00-01', appId: 0x3001 },
 *   { gocbRef: 'IED1LD0/LLN0$GO$gcb1', datSet: 'IED1LD0/LLN0$DS1', confRev: 1 })
 * publisher.publish([{ kind: 'boolean', value: true }])
 */
export class GoosePublisher {
  readonly counters: GoosePublisherCounters = { sent: 0, dropped: 0 }
  readonly #socket: EthernetSocket
  readonly #frame: ProcessBusFrame
  readonly #publication: GoosePublication
  readonly #clock: Clock
  #cancel: (() => void) | undefined
  #closed = false

  private constructor({ socket, frame, clock }: PublisherOutput, publication: GoosePublication) {
    this.#socket = socket
    this.#frame = frame
    this.#publication = publication
    this.#clock = clock
  }

  /** Rejects as `openEthernet` does, and with `UsageError` for options that are wrong. */
  static async open(
    url: string,
    address: PublisherAddress,
    block: GooseControlBlock,
    parts: StationParts = {},
  ): Promise<GoosePublisher> {
    const publication = new GoosePublication(block)
    const output = await openPublisher(url, ETHER_TYPE_GOOSE, address, block.simulation ?? false, parts)
    return new GoosePublisher(output, publication)
  }

  /**
   * The values of a new state; `t`: when they changed, by default now by a clock that is not known to be right. Throws
   * `UsageError` for values that do not fit a frame; the state before goes on.
   */
  publish(allData: readonly Data[], t: UtcTime = utcTimeOf(BigInt(Date.now()) * 1_000_000n, UNSYNCHRONIZED)): void {
    if (this.#closed) return
    // What cannot be encoded must not be what is repeated from now on.
    encodeGooseFrame({ ...this.#frame, pdu: this.#publication.trial(allData, t) })
    this.#send(this.#publication.change(allData, t, this.#clock.now()))
  }

  #send(pdu: GoosePdu): void {
    if (this.#socket.send(encodeGooseFrame({ ...this.#frame, pdu }))) this.counters.sent++
    else this.counters.dropped++
    this.#cancel?.()
    this.#cancel = this.#clock.after(Math.max(0, this.#publication.due - this.#clock.now()), () => this.#repeat())
  }

  #repeat(): void {
    // A timer may be a little early.
    const pdu = this.#publication.repeat(Math.max(this.#clock.now(), this.#publication.due))
    if (pdu !== undefined && !this.#closed) this.#send(pdu)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancel?.()
    await this.#socket.close()
  }
}
