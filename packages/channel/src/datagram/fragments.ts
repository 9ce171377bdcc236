import { allocate } from '@gridseal/wire'

/** Every fragment but the last of a message has at least so many bytes, so that nobody has to keep crumbs. */
export const MIN_FRAGMENT = 64

/** A message in pieces of at most `room` bytes. */
export function fragmentsOf(
  message: Uint8Array,
  room: number,
): { readonly offset: number; readonly bytes: Uint8Array }[] {
  const pieces = []
  for (let offset = 0; offset < message.length; offset += room) {
    pieces.push({ offset, bytes: message.subarray(offset, offset + room) })
  }
  return pieces
}

/** What became of a piece. */
export type Gathered = 'complete' | 'partial' | 'duplicate' | 'refused'

/**
 * Gathers the pieces of one message, in any order and however often they come. A piece that does not fit those that are
 * there already is refused, and so is the first one if the message would be longer than `limit`.
 */
export class Reassembly {
  readonly #limit: number
  #message: Uint8Array | undefined
  /** Length by offset. */
  readonly #pieces: Map<number, number> = new Map()
  #gathered = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get complete(): boolean {
    return this.#gathered === this.#message?.length
  }

  /** The message as far as it is there. */
  get message(): Uint8Array {
    return this.#message ?? new Uint8Array(0)
  }

  add(total: number, offset: number, bytes: Uint8Array): Gathered {
    const { length } = bytes
    const end = offset + length
    if (total > this.#limit || length === 0 || end > total || (end < total && length < MIN_FRAGMENT)) return 'refused'
    this.#message ??= allocate(total)
    if (this.#message.length !== total) return 'refused'
    for (const [at, count] of this.#pieces) {
      if (at === offset && count === length) return 'duplicate'
      if (at < end && offset < at + count) return 'refused'
    }
    this.#message.set(bytes, offset)
    this.#pieces.set(offset, length)
    this.#gathered += length
    return this.complete ? 'complete' : 'partial'
  }
}
