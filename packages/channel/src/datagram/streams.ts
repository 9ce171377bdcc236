import { CONTENT_OVERHEAD, decodeContent } from '../record/content.ts'
import type { Content } from '../record/content.ts'
import { FRAME, FRAME_HEADER, encodeFrame, writeU32 } from '../record/frame.ts'
import { FrameReader } from '../record/frame-reader.ts'
import { CONTROL_STREAM, MESSAGE_STREAM, messageLength, writeMessage } from './content.ts'
import type { Segment } from './content.ts'
import { ReceiveStream } from './receive-stream.ts'
import { SendStream } from './send-stream.ts'

/** Bytes of the message stream that may be under way before the receiver has said more. */
export const MESSAGE_WINDOW: number = 2 ** 20
/** The same for the control stream, which is read at once. */
const CONTROL_WINDOW = 2 ** 16
/** A rekey and a ticket must get through also where messages are tiny. */
const CONTROL_LIMIT = 2048

/** Both streams in both directions, with contents in frames. */
export class Streams {
  readonly #control: SendStream = new SendStream(CONTROL_STREAM, Number.MAX_SAFE_INTEGER)
  readonly #messages: SendStream = new SendStream(MESSAGE_STREAM, MESSAGE_WINDOW)
  readonly #controlIn: ReceiveStream = new ReceiveStream(CONTROL_WINDOW)
  readonly #messagesIn: ReceiveStream = new ReceiveStream(MESSAGE_WINDOW)
  readonly #controlReader: FrameReader = new FrameReader(CONTROL_LIMIT)
  readonly #messageReader: FrameReader
  /** What the peer has last been told. */
  #told: number = MESSAGE_WINDOW
  #readable = false

  /** `maxMessage` is the longest message that is accepted here. */
  constructor(maxMessage: number) {
    this.#messageReader = new FrameReader(maxMessage + CONTENT_OVERHEAD)
  }

  /** Bytes of both streams that the peer has not confirmed. */
  get pending(): number {
    return this.#control.pending + this.#messages.pending
  }

  /** Bytes of messages among them. */
  get pendingMessages(): number {
    return this.#messages.pending
  }

  get ready(): boolean {
    return this.#control.ready || this.#messages.ready
  }

  get blocked(): boolean {
    return this.#messages.blocked
  }

  /** Whether messages may be there to read. */
  get readable(): boolean {
    return this.#readable
  }

  /** Whether the peer may send so much more than it knows that it should be told. */
  get limitMoved(): boolean {
    return this.#messagesIn.limit - this.#told >= MESSAGE_WINDOW / 2
  }

  /** Bytes of messages that the peer may send in all, to be told. */
  tellLimit(): number {
    this.#told = this.#messagesIn.limit
    return this.#told
  }

  writeControl(content: Uint8Array): void {
    this.#control.write(encodeFrame(FRAME.record, content))
  }

  writeMessage(port: number, message: Uint8Array, validUntil: number | undefined): void {
    const length = messageLength(message, validUntil)
    const frame = new Uint8Array(FRAME_HEADER + length)
    frame[0] = FRAME.record
    writeU32(frame, 1, length)
    writeMessage(port, message, validUntil, frame.subarray(FRAME_HEADER))
    this.#messages.write(frame)
  }

  /** The next piece to send, of at most `most` bytes. */
  next(most: number): Segment | undefined {
    return this.#control.next(most) ?? this.#messages.next(most)
  }

  acked(segment: Segment): void {
    this.#sender(segment).acked(segment)
  }

  lost(segment: Segment): void {
    this.#sender(segment).lost(segment)
  }

  /** The peer takes so many bytes of messages in all. */
  allow(limit: number): void {
    this.#messages.allow(limit)
  }

  /** A piece came. Throws `ProtocolError` `channel.stream.window`. */
  take({ stream, offset, bytes }: Segment): void {
    if (stream === CONTROL_STREAM) return this.#controlIn.take(offset, bytes)
    this.#messagesIn.take(offset, bytes)
    this.#readable = true
  }

  /** The next content of the control stream. Throws `DecodeError`. */
  readControl(): Content | undefined {
    return read(this.#controlIn, this.#controlReader)
  }

  /** The next message, valid until the next call. Throws `DecodeError`. */
  readMessage(): Content | undefined {
    const content = read(this.#messagesIn, this.#messageReader)
    this.#readable = content !== undefined
    return content
  }

  #sender({ stream }: Segment): SendStream {
    return stream === CONTROL_STREAM ? this.#control : this.#messages
  }
}

function read(stream: ReceiveStream, reader: FrameReader): Content | undefined {
  for (;;) {
    const frame = reader.next()
    if (frame !== undefined) return decodeContent(frame.subarray(FRAME_HEADER))
    const bytes = stream.read()
    if (bytes === undefined) return undefined
    reader.push(bytes)
  }
}
