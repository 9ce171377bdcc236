import { Bundle, isSmall } from '../record/bundle.ts'
import { TIMED_HEADER, writeMessageHeader } from '../record/content.ts'
import type { RecordSession, RekeyContent } from '../record/record-session.ts'
import type { FrameStream } from '../stream/frame-stream.ts'

/** A message of so many bytes in a record of its own is encrypted where it lies, a shorter one where the record is built. */
const LONG = 2 ** 14

/**
 * What leaves a session, in order: each content in a record, after whatever its keys need. Messages of one turn of the
 * event loop share records.
 */
export class Outbox {
  readonly #stream: FrameStream
  readonly #records: RecordSession
  /** Undefined where every message has its own record. */
  readonly #bundle: Bundle | undefined
  readonly #onFault: (error: unknown) => void
  #scheduled = false

  /**
   * Messages share records of at most `bundleLimit` bytes of content; not at all where that is 0. `onFault` is told when
   * messages that were taken cannot be sealed: they are lost.
   */
  constructor(stream: FrameStream, records: RecordSession, bundleLimit: number, onFault: (error: unknown) => void) {
    this.#stream = stream
    this.#records = records
    this.#onFault = onFault
    const begin = (): ReturnType<RecordSession['begin']> => {
      this.#upkeep()
      return records.begin()
    }
    this.#bundle = bundleLimit > 0 ? new Bundle(bundleLimit, records.pads ? undefined : begin) : undefined
  }

  /**
   * False when the peer does not keep up, or a long message was enough for this turn of the event loop; the message is sent
   * all the same.
   */
  send(port: number, message: Uint8Array, validUntil: number | undefined): boolean {
    const bundle = this.#bundle
    if (bundle === undefined || !bundle.admits(message)) return this.#alone(port, message, validUntil)
    if (!bundle.hasRoom(message)) this.#flush(bundle)
    if (!this.#scheduled) {
      this.#scheduled = true
      process.nextTick(() => {
        this.#scheduled = false
        try {
          this.#flush(bundle)
        } catch (error) {
          bundle.clear()
          this.#onFault(error)
        }
      })
    }
    bundle.add(port, message, validUntil)
    if (bundle.full) this.#flush(bundle)
    return this.#stream.hasRoom && (isSmall(message) || !this.#stream.turnOver)
  }

  write(content: Uint8Array): void {
    this.#settle()
    this.#stream.write(this.#records.seal(content))
  }

  /** Begins a fresh key agreement; false while one is under way. */
  ask(): boolean {
    this.#settle()
    const request = this.#records.ask()
    if (request !== undefined) this.#stream.write(request)
    return request !== undefined
  }

  /** Takes the peer's part of a key agreement; `sending` is false once our close has gone out. */
  answer(content: RekeyContent, sending: boolean): void {
    if (sending) this.#settle()
    for (const record of this.#records.take(content, sending)) this.#stream.write(record)
  }

  /** Nothing more is sent. */
  end(): void {
    this.#bundle?.clear()
  }

  /** A message in a record of its own. */
  #alone(port: number, message: Uint8Array, validUntil: number | undefined): boolean {
    this.#settle()
    const records = this.#records
    if (records.pads || message.length < LONG) {
      return this.#stream.write(records.sealMessage(port, message, validUntil))
    }
    const record = records.begin()
    const header = new Uint8Array(TIMED_HEADER)
    record.append(header.subarray(0, writeMessageHeader(validUntil, port, header, 0)))
    record.append(message)
    return this.#stream.writePieces(record.finish())
  }

  /** Sends what has been gathered, so that the next record is in its place. */
  #settle(): void {
    if (this.#bundle !== undefined) this.#flush(this.#bundle)
    this.#upkeep()
  }

  #flush(bundle: Bundle): void {
    if (bundle.empty) return
    const bundled = bundle.finish()
    if ('record' in bundled) this.#stream.writePieces(bundled.record)
    else {
      this.#upkeep()
      this.#stream.write(this.#records.seal(bundled.content))
    }
    bundle.clear()
  }

  #upkeep(): void {
    for (const record of this.#records.upkeep()) this.#stream.write(record)
  }
}
