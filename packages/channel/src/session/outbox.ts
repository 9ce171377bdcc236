import type { RecordSession, RekeyContent } from '../record/record-session.ts'
import type { FrameStream } from '../stream/frame-stream.ts'

/** What leaves a session, in order: each content in a record, after whatever its keys need. */
export class Outbox {
  readonly #stream: FrameStream
  readonly #records: RecordSession

  constructor(stream: FrameStream, records: RecordSession) {
    this.#stream = stream
    this.#records = records
  }

  /** False when the peer does not keep up; the message is sent all the same. */
  send(port: number, message: Uint8Array, validUntil: number | undefined): boolean {
    this.#upkeep()
    return this.#stream.write(this.#records.sealMessage(port, message, validUntil))
  }

  write(content: Uint8Array): void {
    this.#upkeep()
    this.#stream.write(this.#records.seal(content))
  }

  /** Begins a fresh key agreement; false while one is under way. */
  ask(): boolean {
    const request = this.#records.ask()
    if (request !== undefined) this.#stream.write(request)
    return request !== undefined
  }

  /** Takes the peer's part of a key agreement; `sending` is false once our close has gone out. */
  answer(content: RekeyContent, sending: boolean): void {
    for (const record of this.#records.take(content, sending)) this.#stream.write(record)
  }

  #upkeep(): void {
    for (const record of this.#records.upkeep()) this.#stream.write(record)
  }
}
