import { ProtocolError } from '@gridseal/wire'
import { BaseConnection } from '../base-connection.ts'
import type { Connection } from '../connection.ts'
import { integer, knownKeys, settleQueue } from '../options.ts'
import type { QueueMarks } from '../options.ts'

export interface MemoryOptions {
  /** As for TCP. */
  readonly queue?: Partial<QueueMarks>
  /** Chunks are delivered in pieces of at most so many bytes. Default: as they were written. */
  readonly maxChunk?: number
  /** Milliseconds that an ending end waits for the other. Default 5,000. */
  readonly linger?: number
  /** Names of the two ends in their URLs. */
  readonly names?: readonly [string, string]
}

interface MemorySettings {
  readonly queue: QueueMarks
  readonly maxChunk: number
  readonly linger: number
}

const NOTHING = new Uint8Array(0)

/**
 * One end of a pair. It behaves as TCP does: delivery is asynchronous and in order, a paused reader holds the writer's
 * queue, the queue is all there is between the ends. A chunk is copied when it is delivered, so that neither end sees
 * what the other does to it.
 */
export class MemoryConnection extends BaseConnection {
  readonly medium = 'stream'
  readonly local: string
  readonly remote: string
  readonly #settings: MemorySettings
  /** Itself until it is joined. */
  #other: MemoryConnection = this
  /** What the other end has written and this one has not read begins at `#first`: to move the rest costs more with each. */
  #inbox: Uint8Array[] = []
  #first = 0
  #inboxBytes = 0
  #reading = false
  #scheduled = false
  /** This end writes no more. */
  #finished = false
  #sawEnd = false
  #dead = false

  constructor(local: string, remote: string, settings: MemorySettings) {
    super(settings.queue)
    this.local = `memory://${local}`
    this.remote = `memory://${remote}`
    this.#settings = settings
  }

  /** Joins two ends, once. */
  static join(a: MemoryConnection, b: MemoryConnection): void {
    a.#other = b
    b.#other = a
  }

  get queued(): number {
    return this.#other.#inboxBytes
  }

  protected transmit(chunk: Uint8Array): void {
    const other = this.#other
    if (other.#dead || chunk.length === 0) return
    other.#inbox.push(chunk)
    other.#inboxBytes += chunk.length
    other.#schedule()
  }

  protected setReading(on: boolean): void {
    this.#reading = on
    if (on && (this.#inbox.length > 0 || this.#other.#finished)) this.#schedule()
  }

  protected finish(): void {
    this.#finished = true
    this.#schedule()
    this.#other.#schedule()
    this.lingerFor(this.#settings.linger)
  }

  protected breakOff(reset: boolean): void {
    if (reset) this.#other.#reset()
    setImmediate(() => this.#die())
  }

  #reset(): void {
    if (this.#dead) return
    this.failed(new ProtocolError('transport.connection.reset', `${this.remote}: the peer broke it off`))
    this.#clear()
    setImmediate(() => this.#die())
  }

  #schedule(): void {
    if (this.#scheduled || this.#dead) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#deliver()
    })
  }

  #deliver(): void {
    const other = this.#other
    // Only what is there now: what the reader makes the other end write comes with the next turn of the event loop.
    for (let count = this.#inbox.length - this.#first; count > 0 && this.#reading && !this.#dead; count--) {
      const chunk = this.#inbox[this.#first]
      if (chunk === undefined) break
      this.#deliverChunk(chunk)
      other.left()
    }
    if (this.#dead) return
    this.#tidy()
    if (this.#inbox.length > 0) {
      if (this.#reading) this.#schedule()
      return
    }
    if (other.#finished && this.#reading && !this.#sawEnd) {
      this.#sawEnd = true
      other.#schedule()
      this.peerEnded()
    }
    if (this.#finished && this.#sawEnd && (other.#sawEnd || other.#dead)) this.#die()
  }

  #deliverChunk(chunk: Uint8Array): void {
    const { maxChunk } = this.#settings
    const piece = chunk.length > maxChunk ? chunk.subarray(0, maxChunk) : chunk
    if (piece === chunk) this.#inbox[this.#first++] = NOTHING
    else this.#inbox[this.#first] = chunk.subarray(maxChunk)
    this.#inboxBytes -= piece.length
    this.received(copy(piece))
  }

  /** Gives the places of what was read back, when they are at least half of all. */
  #tidy(): void {
    if (this.#first === 0 || this.#first * 2 < this.#inbox.length) return
    if (this.#first === this.#inbox.length) this.#inbox.length = 0
    else this.#inbox.splice(0, this.#first)
    this.#first = 0
  }

  #clear(): void {
    this.#inbox = []
    this.#first = 0
    this.#inboxBytes = 0
  }

  #die(): void {
    if (this.#dead) return
    this.#dead = true
    this.#finished = true
    this.#clear()
    this.terminated()
    this.#other.#schedule()
  }
}

/** Not zeroed first and, where it is small, cut from a larger buffer: this is what most of a delivery costs. */
function copy(bytes: Uint8Array): Uint8Array {
  const { buffer, byteOffset, length } = Buffer.allocUnsafe(bytes.length)
  const copied = new Uint8Array(buffer, byteOffset, length)
  copied.set(bytes)
  return copied
}

/**
 * Two ends of one connection within this process: what tests of everything above a transport run on.
 *
 * @example
 * const [a, b] = memoryPair()
 * b.data.subscribe((chunk) => b.write(chunk))
 * a.data.subscribe((chunk) => console.log(chunk))
 * a.write(new Uint8Array([1, 2, 3]))
 */
export function memoryPair(options: MemoryOptions = {}): [Connection, Connection] {
  knownKeys(options, ['queue', 'maxChunk', 'linger', 'names'])
  const { names: [left, right] = ['a', 'b'] } = options
  const settings: MemorySettings = {
    queue: settleQueue(options.queue),
    maxChunk: integer('maxChunk', options.maxChunk ?? Number.MAX_SAFE_INTEGER, 1, Number.MAX_SAFE_INTEGER),
    linger: integer('linger', options.linger ?? 5_000, 1, 2 ** 31 - 1),
  }
  const a = new MemoryConnection(left, right, settings)
  const b = new MemoryConnection(right, left, settings)
  MemoryConnection.join(a, b)
  return [a, b]
}
