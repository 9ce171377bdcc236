import type { Clock, EthernetSocket } from '@gridseal/transport'
import type { ProcessBusFrame } from '../codec/process-bus/header.ts'
import { ETHER_TYPE_SV } from '../codec/process-bus/header.ts'
import { encodeSvFrame } from '../codec/process-bus/sampled-values.ts'
import type { SampledValueControlBlock } from '../session/sv/publication.ts'
import { SvPublication } from '../session/sv/publication.ts'
import type { PublisherAddress, PublisherOutput } from './publisher.ts'
import { openPublisher } from './publisher.ts'
import type { StationParts } from './subscriber.ts'

export interface SvPublisherCounters {
  samples: number
  /** Frames that left. */
  sent: number
  /** Frames that the interface did not take. */
  dropped: number
  /** Samples that were skipped because this machine did not keep up. */
  skipped: number
}

/** Samples that are made up for at once; what is older is skipped. */
const MOST_BEHIND_MS = 50
const TICK_MS = 1

/**
 * Publishes a stream of sampled values on an interface. `push` sends samples at the caller's pace, `run` at the block's rate,
 * in bursts of a millisecond: this is a simulator, no merging unit.
 */
export class SvPublisher {
  readonly counters: SvPublisherCounters = { samples: 0, sent: 0, dropped: 0, skipped: 0 }
  readonly #socket: EthernetSocket
  readonly #frame: ProcessBusFrame
  readonly #publication: SvPublication
  readonly #clock: Clock
  #cancel: (() => void) | undefined

  private constructor({ socket, frame, clock }: PublisherOutput, publication: SvPublication) {
    this.#socket = socket
    this.#frame = frame
    this.#publication = publication
    this.#clock = clock
  }

  /** Rejects as `openEthernet` does, and with `UsageError` for options that are wrong. */
  static async open(
    url: string,
    address: PublisherAddress,
    block: SampledValueControlBlock,
    parts: StationParts = {},
  ): Promise<SvPublisher> {
    const publication = new SvPublication(block)
    return new SvPublisher(await openPublisher(url, ETHER_TYPE_SV, address, false, parts), publication)
  }

  /** Sends one sample, with those before it once a frame is full. */
  push(sample: Uint8Array): void {
    this.counters.samples++
    const pdu = this.#publication.push(sample)
    if (pdu === undefined) return
    if (this.#socket.send(encodeSvFrame({ ...this.#frame, pdu }))) this.counters.sent++
    else this.counters.dropped++
  }

  /** Sends samples at the block's rate until it is closed; `sample` is asked for each by its count. */
  run(sample: (smpCnt: number) => Uint8Array): void {
    this.#cancel?.()
    const { samplesPerSecond } = this.#publication
    const started = this.#clock.now()
    let made = 0
    const most = Math.ceil((MOST_BEHIND_MS * samplesPerSecond) / 1000)
    const tick = (): void => {
      const due = Math.floor(((this.#clock.now() - started) * samplesPerSecond) / 1000) + 1
      const skipped = Math.max(0, due - made - most)
      this.counters.skipped += skipped
      made += skipped
      for (; made < due; made++) this.push(sample(this.#publication.smpCnt))
      this.#cancel = this.#clock.after(TICK_MS, tick)
    }
    tick()
  }

  async close(): Promise<void> {
    this.#cancel?.()
    await this.#socket.close()
  }
}
