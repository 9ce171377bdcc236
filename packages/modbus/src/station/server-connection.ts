import type { Framer } from '@gridseal/adapter'
import type { Connection } from '@gridseal/transport'
import { ProtocolError } from '@gridseal/wire'
import type { Subscription } from 'rxjs'
import type { AduCodec, Framing } from '../codec/adu.ts'
import { ADU_CODECS, asciiCodec } from '../codec/adu.ts'
import { createFramer } from '../framing/framer.ts'
import type { Line, ModbusDevice } from '../session/device.ts'
import type { LineTiming } from './line.ts'
import { timingOf } from './line.ts'

/** What all connections of a server have seen. */
export interface ServerCounters {
  /** Whole frames received. */
  requests: number
  /** Frames sent. */
  responses: number
  /** Of those, exceptions. */
  exceptions: number
  /** Frames with a wrong check sum or header. */
  invalid: number
  /** Bytes that belonged to no frame. */
  discarded: number
  /** Connections closed because what came was not Modbus. */
  misfits: number
}

export interface ServeOptions {
  readonly device: ModbusDevice
  readonly framing: Framing
  /** Milliseconds without a request before the connection is closed; 0 = never. */
  readonly idleTimeout: number
  /** Nanoseconds since 1970-01-01 UTC. */
  readonly now: () => bigint
  readonly counters: ServerCounters
}

const LINES: Readonly<Record<Framing, Line>> = { tcp: 'tcp', rtu: 'serial', ascii: 'ascii' }

/** Requests of one connection that are answered before others get their turn. */
const MOST_AT_ONCE = 128

/** Serves one connection: requests are answered in the order they came, those of one chunk in one write. */
export class ServerConnection {
  readonly #connection: Connection
  readonly #options: ServeOptions
  readonly #codec: AduCodec
  readonly #framer: Framer
  readonly #timing: LineTiming
  readonly #subscriptions: Subscription[]
  #silenceTimer: NodeJS.Timeout | undefined
  #idleTimer: NodeJS.Timeout | undefined
  /** The peer does not take its answers. */
  #congested = false
  /** Requests of the last chunk have not been answered yet. */
  #busy = false
  /** The client sends no more. */
  #heardAll = false
  #seen = { invalid: 0, discarded: 0 }

  constructor(connection: Connection, options: ServeOptions) {
    const { framing, idleTimeout } = options
    this.#connection = connection
    this.#options = options
    const { ascii } = options.device
    this.#codec = framing === 'ascii' ? asciiCodec(ascii) : ADU_CODECS[framing]
    this.#framer = createFramer({ medium: connection.medium, direction: 'to-device', framing }, ascii)
    this.#timing = timingOf(connection, framing)
    if (idleTimeout > 0) this.#idleTimer = setTimeout(() => connection.end(), idleTimeout)
    this.#subscriptions = [
      connection.data.subscribe({ next: (chunk) => this.#received(chunk), complete: () => this.#complete() }),
      connection.drained.subscribe(() => {
        this.#congested = false
        this.#resume()
      }),
    ]
    void connection.closed.then(() => this.#stop())
  }

  #received(chunk: Uint8Array): void {
    this.#answer(this.#framer.push(chunk))
    if (this.#options.framing === 'tcp') return
    if (this.#silenceTimer === undefined) {
      this.#silenceTimer = setTimeout(() => this.#answer(this.#framer.quiet()), this.#timing.silence)
    } else this.#silenceTimer.refresh()
  }

  /** A client may end its half of the connection behind its requests, and wait for the answers. */
  #complete(): void {
    this.#heardAll = true
    if (this.#silenceTimer !== undefined) {
      clearTimeout(this.#silenceTimer)
      this.#answer(this.#framer.quiet())
    }
    this.#endIfAnswered()
  }

  #endIfAnswered(): void {
    if (this.#heardAll && !this.#busy) this.#connection.end()
  }

  #answer(frames: readonly Uint8Array[]): void {
    this.#count()
    if (this.#options.framing === 'tcp' && this.#framer.invalid > 0) {
      // On a stream nothing gets lost: whoever is out of step is not speaking Modbus, and what looks like a request
      // among its bytes is not to be executed (an HTTP body, for one, is chosen by a web page).
      this.#options.counters.misfits++
      this.#connection.destroy(new ProtocolError('modbus.server.mbap', 'what came is not Modbus TCP'))
      return
    }
    if (frames.length > 0) this.#idleTimer?.refresh()
    this.#answerSome(frames, 0)
  }

  /** Answers up to {@link MOST_AT_ONCE} frames; a flood of more lets the other connections have their turn in between. */
  #answerSome(frames: readonly Uint8Array[], from: number): void {
    const to = Math.min(frames.length, from + MOST_AT_ONCE)
    const answers: Uint8Array[] = []
    for (let i = from; i < to; i++) {
      const answer = this.#answerOne(frames[i]!)
      if (answer !== undefined) answers.push(answer)
    }
    if (answers.length > 0) this.#send(answers.length === 1 ? answers[0]! : Buffer.concat(answers))
    if (to === frames.length) {
      if (from > 0) this.#resume()
      this.#endIfAnswered()
      return
    }
    this.#busy = true
    this.#connection.pause()
    setImmediate(() => {
      this.#busy = false
      this.#answerSome(frames, to)
    })
  }

  /** Reads on unless the peer takes no answers, or is owed some. */
  #resume(): void {
    if (!this.#congested && !this.#busy) this.#connection.resume()
  }

  #answerOne(frame: Uint8Array): Uint8Array | undefined {
    const { device, framing, now, counters } = this.#options
    counters.requests++
    const { transaction, unit, pdu } = this.#codec.decode(frame)
    // The answer to a change of the delimiter still ends with the old one.
    const codec = framing === 'ascii' ? asciiCodec({ ...device.ascii }) : this.#codec
    const answer = device.answer(unit, pdu, LINES[framing], now())
    if (answer === undefined) return undefined
    counters.responses++
    if (answer[0]! & 0x80) counters.exceptions++
    return codec.encode({ transaction, unit, pdu: answer })
  }

  #send(bytes: Uint8Array): void {
    const { turnaround } = this.#timing
    if (turnaround === 0) this.#write(bytes)
    else setTimeout(() => this.#write(bytes), turnaround)
  }

  #write(bytes: Uint8Array): void {
    if (this.#connection.write(bytes)) return
    this.#congested = true
    this.#connection.pause()
  }

  #count(): void {
    const { counters } = this.#options
    const { invalid, discarded } = this.#framer
    if (invalid > this.#seen.invalid) this.#options.device.noise(invalid - this.#seen.invalid)
    counters.invalid += invalid - this.#seen.invalid
    counters.discarded += discarded - this.#seen.discarded
    this.#seen.invalid = invalid
    this.#seen.discarded = discarded
  }

  #stop(): void {
    clearTimeout(this.#silenceTimer)
    clearTimeout(this.#idleTimer)
    for (const subscription of this.#subscriptions) subscription.unsubscribe()
  }
}
