import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'

/** What can go wrong on the way; each is off unless given. Probabilities are per chunk, 0 to 1. */
export interface Faults {
  /** Milliseconds that every chunk is late. */
  readonly delay?: number
  /** Up to so many milliseconds more, at random; the order stays. */
  readonly jitter?: number
  /** Throttles each direction of each connection. */
  readonly bytesPerSecond?: number
  /** Chunks are passed on in pieces of at most so many bytes. */
  readonly maxChunk?: number
  /** Probability that a run of bytes of a chunk is left out. */
  readonly drop?: number
  /** Probability that a chunk is sent twice. */
  readonly duplicate?: number
  /** A connection is cut by the piece that makes it so many bytes, both directions together; that piece is lost. */
  readonly cutAfter?: number
}

export interface FaultProxyOptions extends Faults {
  /** Port on 127.0.0.1 that is really there. */
  readonly target: number
  /** The same seed and the same chunks give the same faults. */
  readonly seed: number
}

/** Stops reading a side when so many bytes wait for the other. */
const MAX_WAITING = 256 << 10

/** A TCP proxy on loopback that makes trouble, reproducibly. */
export class FaultProxy {
  /** What it did. */
  readonly counters = { accepted: 0, refused: 0, cut: 0, dropped: 0, duplicated: 0, bytes: 0 }
  readonly #target: number
  readonly #random: () => number
  readonly #pairs = new Set<Pair>()
  readonly #server: Server
  #faults: Faults
  #refusing = false
  #stalled = false

  constructor({ target, seed, ...faults }: FaultProxyOptions) {
    this.#target = target
    this.#faults = faults
    this.#random = mulberry32(seed)
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(socket))
  }

  /** Starts on a free port and returns its URL, `tcp://127.0.0.1:port`. */
  listen(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(0, '127.0.0.1', () => resolve(`tcp://127.0.0.1:${this.port}`))
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Connections that pass through now. */
  get open(): number {
    return this.#pairs.size
  }

  /** Other faults from now on; what is not given is off. */
  set(faults: Faults): void {
    this.#faults = faults
  }

  /** Resets all connections, both sides, at once. */
  cut(): void {
    for (const pair of this.#pairs) pair.cut()
  }

  /** While on, new connections are reset. */
  refuse(on: boolean): void {
    this.#refusing = on
  }

  /** While on, nothing passes and nobody is told: the cable is out. */
  stall(on: boolean): void {
    this.#stalled = on
    for (const pair of this.#pairs) pair.stall(on)
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const pair of this.#pairs) pair.destroy()
    await closed
  }

  #accept(socket: Socket): void {
    if (this.#refusing) {
      this.counters.refused++
      socket.on('error', () => undefined)
      socket.resetAndDestroy()
      return
    }
    this.counters.accepted++
    const upstream = connect({ port: this.#target, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    const pair: Pair = new Pair(socket, upstream, {
      faults: () => this.#faults,
      random: this.#random,
      counters: this.counters,
      gone: () => this.#pairs.delete(pair),
    })
    this.#pairs.add(pair)
    if (this.#stalled) pair.stall(true)
  }
}

interface Surroundings {
  readonly faults: () => Faults
  readonly random: () => number
  readonly counters: FaultProxy['counters']
  readonly gone: () => void
}

/** One connection and its way on. */
class Pair {
  readonly #sockets: readonly [Socket, Socket]
  readonly #lanes: readonly [Lane, Lane]
  readonly #surroundings: Surroundings
  #open = 2
  #passed = 0

  constructor(near: Socket, far: Socket, surroundings: Surroundings) {
    this.#sockets = [near, far]
    this.#surroundings = surroundings
    const passed = (bytes: number): boolean => this.#pass(bytes)
    this.#lanes = [new Lane(near, far, surroundings, passed), new Lane(far, near, surroundings, passed)]
    for (const socket of this.#sockets) {
      // Whatever breaks one side breaks the other.
      socket.on('error', () => this.#reset())
      socket.on('close', () => this.#closed())
    }
  }

  cut(): void {
    this.#surroundings.counters.cut++
    this.#reset()
  }

  stall(on: boolean): void {
    for (const lane of this.#lanes) lane.stall(on)
  }

  destroy(): void {
    for (const lane of this.#lanes) lane.stop()
    for (const socket of this.#sockets) socket.destroy()
  }

  #reset(): void {
    for (const lane of this.#lanes) lane.stop()
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** Counts what passes; false if the connection has just been cut. */
  #pass(bytes: number): boolean {
    this.#passed += bytes
    this.#surroundings.counters.bytes += bytes
    if (this.#passed < (this.#surroundings.faults().cutAfter ?? Number.POSITIVE_INFINITY)) return true
    this.cut()
    return false
  }

  #closed(): void {
    this.#open--
    if (this.#open > 0) return
    for (const lane of this.#lanes) lane.stop()
    this.#surroundings.gone()
  }
}

/** One direction: pieces leave in order, each when it is due. */
class Lane {
  readonly #from: Socket
  readonly #to: Socket
  readonly #surroundings: Surroundings
  readonly #passed: (bytes: number) => boolean
  #pieces: { readonly due: number; readonly bytes: Uint8Array }[] = []
  #waiting = 0
  /** When the throttle lets the next piece go. */
  #free = 0
  #ended = false
  #stalled = false
  #stopped = false
  #timer: NodeJS.Timeout | undefined

  constructor(from: Socket, to: Socket, surroundings: Surroundings, passed: (bytes: number) => boolean) {
    this.#from = from
    this.#to = to
    this.#surroundings = surroundings
    this.#passed = passed
    from.on('data', (chunk: Buffer) => this.#receive(chunk))
    from.on('end', () => {
      this.#ended = true
      this.#pump()
    })
    to.on('drain', () => this.#pump())
  }

  stall(on: boolean): void {
    this.#stalled = on
    this.#pump()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#pieces = []
  }

  #receive(chunk: Uint8Array): void {
    const {
      delay = 0,
      jitter = 0,
      maxChunk: most = Number.POSITIVE_INFINITY,
      bytesPerSecond,
    } = this.#surroundings.faults()
    // A throttled line moves on at least twenty times a second.
    const maxChunk = bytesPerSecond === undefined ? most : Math.min(most, Math.max(1, Math.floor(bytesPerSecond / 20)))
    const previous = this.#pieces.at(-1)?.due ?? 0
    const due = Math.max(
      previous,
      performance.now() + delay + (jitter === 0 ? 0 : jitter * this.#surroundings.random()),
    )
    for (const bytes of this.#spoil(chunk)) {
      for (let at = 0; at < bytes.length; at += maxChunk) this.#enqueue(due, bytes.subarray(at, at + maxChunk))
    }
    if (this.#waiting > MAX_WAITING) this.#from.pause()
    this.#pump()
  }

  #enqueue(due: number, bytes: Uint8Array): void {
    this.#pieces.push({ due, bytes })
    this.#waiting += bytes.length
  }

  /** What becomes of a chunk; the generator is asked only for faults that are on. */
  #spoil(chunk: Uint8Array): Uint8Array[] {
    const { faults, random, counters } = this.#surroundings
    const { drop = 0, duplicate = 0 } = faults()
    if (drop > 0 && random() < drop) {
      const from = Math.floor(random() * chunk.length)
      const count = 1 + Math.floor(random() * (chunk.length - from))
      counters.dropped += count
      return [chunk.subarray(0, from), chunk.subarray(from + count)]
    }
    if (duplicate > 0 && random() < duplicate) {
      counters.duplicated++
      return [chunk, chunk]
    }
    return [chunk]
  }

  #pump(): void {
    clearTimeout(this.#timer)
    while (!this.#stopped && !this.#stalled && !this.#to.writableNeedDrain) {
      const [piece] = this.#pieces
      if (piece === undefined) break
      const now = performance.now()
      const wait = Math.max(piece.due, this.#free) - now
      if (wait > 0) {
        this.#timer = setTimeout(() => this.#pump(), Math.ceil(wait))
        return
      }
      this.#pieces.shift()
      this.#waiting -= piece.bytes.length
      const { bytesPerSecond = Number.POSITIVE_INFINITY } = this.#surroundings.faults()
      this.#free = now + (piece.bytes.length * 1000) / bytesPerSecond
      if (!this.#passed(piece.bytes.length)) return
      this.#to.write(piece.bytes)
    }
    if (this.#stopped || this.#stalled) return
    if (this.#waiting <= MAX_WAITING / 2 && this.#from.isPaused()) this.#from.resume()
    if (this.#ended && this.#pieces.length === 0) this.#to.end()
  }
}

/** A small seeded generator of numbers in [0, 1) (public domain). */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
