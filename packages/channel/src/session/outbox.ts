import { Bundle } from '../record/bundle.ts'
import type { RecordSession, RekeyContent } from '../record/record-session.ts'
import type { FrameStream } from '../stream/frame-stream.ts'

/**
 * What leaves a session, in order: each content in a record, after whatever its keys need. Small messages of one turn
 * of the event loop share a record.
 */
export class Outbox {
  readonly #stream: FrameStream
  readonly #records: RecordSession
  /** Undefined where every message has its own record. */
  readonly #bundle: Bundle | undefined
  #scheduled = false

  /** Messages share records of at most `bundleLimit` bytes of content; not at all where that is 0. */
  constructor(stream: FrameStream, records: RecordSession, bundleLimit: number) {
    this.#stream = stream
    this.#records = records
    this.#bundle = bundleLimit > 0 ? new Bundle(bundleLimit) : undefined
  }

  /** False when the peer does not keep up; the message is sent all the same. */
  send(port: number, message: Uint8Array, validUntil: number | undefined): boolean {
    const bundle = this.#bundle
    if (bundle === undefined || !bundle.admits(message)) {
      this.#settle()
      return this.#stream.write(this.#records.sealMessage(port, message, validUntil))
    }
    if (!bundle.hasRoom(message)) this.#flush(bundle)
    if (!this.#scheduled) {
      this.#scheduled = true
      process.nextTick(() => {
        this.#scheduled = false
        this.#flush(bundle)
      })
    }
    bundle.add(port, message, validUntil)
    return this.#stream.hasRoom
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

  /** Sends what has been gathered, so that the next record is in its place. */
  #settle(): void {
    if (this.#bundle !== undefined) this.#flush(this.#bundle)
    this.#upkeep()
  }

  #flush(bundle: Bundle): void {
    if (bundle.empty) return
    this.#upkeep()
    this.#stream.write(this.#records.seal(bundle.content))
    bundle.clear()
  }

  #upkeep(): void {
    for (const record of this.#records.upkeep()) this.#stream.write(record)
  }
}
