import { DecodeError } from '@gridseal/wire'
import {
  BUNDLED_LENGTH,
  BUNDLE_HEADER,
  CONTENT,
  DATA_HEADER,
  TIMED_HEADER,
  decodeContent,
  decodeMessage,
} from './content.ts'
import type { Content, DataContent } from './content.ts'
import { readU32 } from './frame.ts'
import { unzeroed } from './unzeroed.ts'

/*
 * The content of a long record, which was decrypted in pieces. Where the pieces end has no meaning: messages are copied
 * out of them, each into a buffer of its own, so that the pieces can be given back to the system.
 */

/**
 * Reads the content of a long record; nothing of the pieces is used afterwards. `room` makes the buffers of messages. Throws
 * {@link DecodeError} `channel.content`.
 */
export function decodePieces(pieces: readonly Uint8Array[], room: (length: number) => Uint8Array = unzeroed): Content {
  const source = new Pieces(pieces)
  if (pieces[0]?.[0] !== CONTENT.bundle) return alone(source, room)
  source.copy(BUNDLE_HEADER)
  const messages: DataContent[] = []
  do messages.push(bundled(source, room))
  while (source.left > 0)
  return { kind: 'bundle', messages }
}

/** A message with its length before it. The length is compared with what is there before anything is allocated by it. */
function bundled(source: Pieces, room: (length: number) => Uint8Array): DataContent {
  if (source.left < BUNDLED_LENGTH) throw wrong('a bundle ends within a length')
  const length = readU32(source.copy(BUNDLED_LENGTH), 0)
  if (length > source.left) throw wrong(`a message of ${length} bytes in ${source.left}`)
  return message(source, length, room)
}

/** Any other content; a message is read as in a bundle. */
function alone(source: Pieces, room: (length: number) => Uint8Array): Content {
  const isMessage = source.next === CONTENT.data || source.next === CONTENT.timedData
  return isMessage ? message(source, source.left, room) : decodeContent(source.copy(source.left))
}

/** `data` or `timedData` of so many bytes, which are there. */
function message(source: Pieces, length: number, room: (length: number) => Uint8Array): DataContent {
  const header = source.copy(Math.min(length, source.next === CONTENT.timedData ? TIMED_HEADER : DATA_HEADER))
  return { ...decodeMessage(header), bytes: source.copy(length - header.length, room) }
}

function wrong(message: string): DecodeError {
  return new DecodeError('channel.content', 0, 'bundle', message)
}

/** Reads pieces one after the other as if they were joined. */
class Pieces {
  readonly #pieces: readonly Uint8Array[]
  #index = 0
  #at = 0
  #left = 0

  constructor(pieces: readonly Uint8Array[]) {
    this.#pieces = pieces
    for (const { length } of pieces) this.#left += length
  }

  /** Bytes that have not been read. */
  get left(): number {
    return this.#left
  }

  /** The next byte, which is not read by that. */
  get next(): number | undefined {
    return this.#pieces[this.#index]?.[this.#at]
  }

  /** A copy of the next `length` bytes, which must be there. */
  copy(length: number, room: (length: number) => Uint8Array = unzeroed): Uint8Array {
    const target = room(length)
    for (let filled = 0; filled < length;) {
      const piece = this.#pieces[this.#index]!
      const end = Math.min(piece.length, this.#at + length - filled)
      target.set(piece.subarray(this.#at, end), filled)
      filled += end - this.#at
      this.#at = end
      if (end < piece.length) break
      this.#index++
      this.#at = 0
    }
    this.#left -= length
    return target
  }
}
