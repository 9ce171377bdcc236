import type { Connection, Datagram, DatagramSocket } from '@gridseal/transport'
import type { Subscription } from 'rxjs'
import type { Outbox } from '../session/outbox.ts'
import { now } from './clock.ts'

/** A channel as its runner sees it. */
export interface Machine {
  readonly outbox: Outbox
  /** When {@link advance} has something to do. */
  readonly wake: number
  /** Octets of an unfinished frame are held. */
  readonly pending: boolean
  push(chunk: Uint8Array, now: number): void
  quiet(now: number): void
  opened(now: number): void
  closed(now: number): void
  advance(now: number): void
}

/** An unfinished frame is given up after so long a silence, milliseconds. */
const SILENCE_MS = 1000
/** setTimeout cannot wait longer. */
const LONGEST_MS = 2 ** 31 - 1

/** Gives a machine its inputs and the time, and sends what it wants sent: everything of one step in one write. */
abstract class Runner {
  protected readonly machine: Machine
  #timer: NodeJS.Timeout | undefined
  #timerAt = Infinity
  #silence: NodeJS.Timeout | undefined
  #running = false
  #flushing = false
  #ended = false

  constructor(machine: Machine) {
    this.machine = machine
    // What is sent outside of a step, e.g. because a point has changed, leaves when the caller has finished.
    machine.outbox.onFilled = () => {
      if (this.#running || this.#flushing) return
      this.#flushing = true
      queueMicrotask(() => {
        this.#flushing = false
        this.touch()
      })
    }
  }

  protected abstract write(bytes: Uint8Array): void

  protected open(): void {
    this.#step((at) => this.machine.opened(at))
  }

  protected received(chunk: Uint8Array): void {
    this.#step((at) => this.machine.push(chunk, at))
    if (!this.machine.pending) return
    this.#silence ??= setTimeout(() => {
      this.#silence = undefined
      if (this.machine.pending) this.#step((at) => this.machine.quiet(at))
    }, SILENCE_MS)
    this.#silence.refresh()
  }

  /** Something has changed outside: sends what there is, and looks at the time again. */
  touch(): void {
    this.#step(() => undefined)
  }

  protected end(): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#timer)
    clearTimeout(this.#silence)
    this.machine.closed(now())
    this.machine.outbox.take()
    this.machine.outbox.onFilled = undefined
  }

  #step(work: (at: number) => void): void {
    if (this.#ended) return
    this.#running = true
    try {
      work(now())
      const bytes = this.machine.outbox.take()
      if (bytes !== undefined) this.write(bytes)
    } finally {
      this.#running = false
    }
    this.#arm()
  }

  /** One timer, for the next thing that is due; one that fires early looks again. */
  #arm(): void {
    if (this.#ended) return
    const { wake } = this.machine
    if (wake === Infinity || (this.#timer !== undefined && this.#timerAt <= wake)) return
    clearTimeout(this.#timer)
    this.#timerAt = wake
    const wait = Math.min(Math.max(0, Math.ceil(wake - now())), LONGEST_MS)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#timerAt = Infinity
      this.#step((at) => {
        if (this.machine.wake <= at) this.machine.advance(at)
      })
    }, wait)
  }
}

/** Runs a machine on a connection until that is closed. */
export class ConnectionRunner extends Runner {
  readonly connection: Connection
  readonly #subscriptions: Subscription[]

  constructor(machine: Machine, connection: Connection) {
    super(machine)
    this.connection = connection
    this.#subscriptions = [
      connection.data.subscribe({ next: (chunk) => this.received(chunk), complete: () => connection.end() }),
      connection.drained.subscribe(() => connection.resume()),
    ]
    void connection.closed.then(() => this.stop())
    this.open()
  }

  protected write(bytes: Uint8Array): void {
    // Whoever does not take its answers gets to ask no more.
    if (!this.connection.write(bytes)) this.connection.pause()
  }

  /** Ends the machine's part; the connection is closed by whoever opened it. */
  stop(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe()
    this.end()
  }
}

/** Runs a machine on a UDP socket: answers go to the peer, or to whom was heard last. */
export class DatagramRunner extends Runner {
  readonly #socket: DatagramSocket
  readonly #subscription: Subscription
  readonly #connected: boolean
  #target: string | undefined

  /** `connected`: the socket has a peer of its own. */
  constructor(machine: Machine, socket: DatagramSocket, connected: boolean) {
    super(machine)
    this.#socket = socket
    this.#connected = connected
    this.#subscription = socket.datagrams.subscribe((datagram) => this.#datagram(datagram))
    if (connected) this.open()
  }

  #datagram({ bytes, from }: Datagram): void {
    // Until somebody has spoken there is nobody to speak to.
    const first = !this.#connected && this.#target === undefined
    this.#target = from
    if (first) this.open()
    this.received(bytes)
  }

  protected write(bytes: Uint8Array): void {
    if (this.#connected) this.#socket.send(bytes)
    else if (this.#target !== undefined) this.#socket.send(bytes, this.#target)
  }

  stop(): void {
    this.#subscription.unsubscribe()
    this.end()
  }
}
