import type { GridsealError } from '@gridseal/wire'
import { UsageError } from '@gridseal/wire'
import { BehaviorSubject, Subject, distinctUntilChanged } from 'rxjs'
import type { Observable } from 'rxjs'
import type { CloseReason, Connection, ConnectionCounters } from '../connection.ts'
import { HeldQueue } from '../held-queue.ts'
import { integer, knownKeys } from '../options.ts'
import { asGridsealError } from '../system-error.ts'
import { SYSTEM_CLOCK } from './clock.ts'
import type { Clock } from './clock.ts'
import { CLOSED_LINK, stepLink } from './link-state.ts'
import type { Backoff, LinkEffect, LinkInput, LinkMachine, LinkState } from './link-state.ts'

export interface BackoffOptions {
  /** Longest wait before the first new attempt, milliseconds; it doubles with every attempt. Default 250. */
  readonly base?: number
  /** Longest wait ever, milliseconds. Default 30,000. */
  readonly max?: number
  /** A connection that has lived so many milliseconds makes the next wait the shortest again. Default 30,000. */
  readonly resetAfter?: number
}

export interface LinkOptions extends BackoffOptions {
  /** Numbers in [0, 1) for the jitter. Default `Math.random`. */
  readonly random?: () => number
  /** Default: real time. */
  readonly clock?: Clock
}

/** Counters of a link over all its connections. */
export interface LinkCounters {
  /** Attempts to connect. */
  readonly attempts: number
  /** Attempts that made a connection. */
  readonly opened: number
  /** Attempts that did not. */
  readonly failed: number
  /** Connections that ended although nobody had stopped the link. */
  readonly lost: number
  /** Bytes received on all connections. */
  readonly bytesIn: number
  /** Bytes written on all connections. */
  readonly bytesOut: number
  /** Chunks written on all connections. */
  readonly writes: number
  /** Errors that connections met, and failed attempts. */
  readonly errors: number
}

/** What a link keeps open: a connection, or whatever lives and ends like one. */
export type Reopened = Pick<Connection, 'closed' | 'end' | 'destroy'> & {
  readonly counters: Pick<ConnectionCounters, 'bytesIn' | 'bytesOut' | 'writes' | 'errors'>
}

/**
 * Keeps one connection open: opens it, hands it out, and opens the next when it ends, with a growing, jittered pause
 * between attempts. Never two at a time; the next attempt is made only after the last connection is closed.
 *
 * @example
 * const link = new ReconnectingLink((signal) => connect('serial:///dev/ttyUSB0?baud=9600', { signal }))
 * link.connections.subscribe((connection) => connection.data.subscribe(read))
 * link.start()
 */
export class ReconnectingLink<T extends Reopened = Connection> {
  /** The state now and every change. */
  readonly state: Observable<LinkState>
  /** Connections as they are made, for one subscriber at a time; an open one is held while there is none. */
  readonly connections: Observable<T>
  /** Why attempts failed and connections broke. */
  readonly failures: Observable<GridsealError>
  readonly #open: (signal: AbortSignal) => Promise<T>
  readonly #backoff: Backoff
  readonly #random: () => number
  readonly #clock: Clock
  readonly #state = new BehaviorSubject<LinkState>('closed')
  readonly #connections = new HeldQueue<T>('connections of a link')
  readonly #failures = new Subject<GridsealError>()
  readonly #inputs: LinkInput[] = []
  #machine: LinkMachine = CLOSED_LINK
  #stepping = false
  #connection: T | undefined
  #attempt: AbortController | undefined
  #cancelWake: (() => void) | undefined
  #stopped: (() => void)[] = []
  #totals = { attempts: 0, opened: 0, failed: 0, lost: 0, bytesIn: 0, bytesOut: 0, writes: 0, errors: 0 }

  /** `open` should give up when its signal is aborted; {@link stop} waits for it. Throws `transport.option`. */
  constructor(open: (signal: AbortSignal) => Promise<T>, options: LinkOptions = {}) {
    knownKeys(options, ['base', 'max', 'resetAfter', 'random', 'clock'])
    const longest = 2 ** 31 - 1
    this.#open = open
    this.#backoff = {
      base: integer('base', options.base ?? 250, 1, longest),
      max: integer('max', options.max ?? 30_000, 1, longest),
      resetAfter: integer('resetAfter', options.resetAfter ?? 30_000, 0, longest),
    }
    this.#random = options.random ?? Math.random
    this.#clock = options.clock ?? SYSTEM_CLOCK
    this.state = this.#state.pipe(distinctUntilChanged())
    this.connections = this.#connections.items
    this.failures = this.#failures.asObservable()
  }

  get counters(): LinkCounters {
    const { bytesIn = 0, bytesOut = 0, writes = 0, errors = 0 } = this.#connection?.counters ?? {}
    const totals = this.#totals
    return {
      ...totals,
      bytesIn: totals.bytesIn + bytesIn,
      bytesOut: totals.bytesOut + bytesOut,
      writes: totals.writes + writes,
      errors: totals.errors + errors,
    }
  }

  start(): void {
    this.#input('start')
  }

  /** Ends the connection in good order and makes no other. Resolves when nothing is left of it. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#stopped.push(resolve)
      this.#input('stop')
    })
  }

  /** Inputs are taken one by one, also those that an effect of the last one causes. */
  #input(input: LinkInput): void {
    this.#inputs.push(input)
    if (this.#stepping) return
    this.#stepping = true
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) this.#step(next)
    } finally {
      this.#stepping = false
    }
  }

  #step(input: LinkInput): void {
    const { state, effects } = stepLink(this.#machine, input, this.#clock.now(), this.#random(), this.#backoff)
    const hadLeftover = hasLeftover(this.#machine)
    this.#machine = state
    this.#state.next(state.name)
    for (const effect of effects) this.#run(effect)
    if (!hasLeftover(state) && (hadLeftover || state.name === 'closed')) this.#tellStopped()
  }

  #tellStopped(): void {
    const stopped = this.#stopped
    this.#stopped = []
    for (const resolve of stopped) resolve()
  }

  #run(effect: LinkEffect): void {
    switch (effect.kind) {
      case 'open':
        void this.#attemptOpen()
        return
      case 'abort':
        this.#attempt?.abort(new UsageError('transport.connect.aborted', 'the link was stopped'))
        return
      case 'announce':
        if (this.#connection !== undefined) this.#connections.push(this.#connection)
        return
      case 'end':
        this.#connection?.end()
        return
      case 'discard':
        this.#connection?.destroy()
        return
      case 'wake':
        this.#cancelWake = this.#clock.after(effect.after, () => this.#input('due'))
        return
      case 'cancel-wake':
        this.#cancelWake?.()
    }
  }

  async #attemptOpen(): Promise<void> {
    this.#totals.attempts++
    const attempt = new AbortController()
    this.#attempt = attempt
    let connection: T
    try {
      connection = await this.#open(attempt.signal)
    } catch (error) {
      if (!attempt.signal.aborted) this.#fail(asGridsealError(error))
      this.#input('failed')
      return
    }
    this.#totals.opened++
    this.#connection = connection
    void connection.closed.then((reason) => this.#closed(connection, reason))
    this.#input('opened')
  }

  #fail(error: GridsealError): void {
    this.#totals.failed++
    this.#totals.errors++
    this.#failures.next(error)
  }

  #closed(connection: T, reason: CloseReason): void {
    const totals = this.#totals
    const { bytesIn, bytesOut, writes, errors } = connection.counters
    totals.bytesIn += bytesIn
    totals.bytesOut += bytesOut
    totals.writes += writes
    totals.errors += errors
    if (this.#machine.name === 'ready') totals.lost++
    this.#connection = undefined
    this.#connections.remove(connection)
    if (reason.error !== undefined) this.#failures.next(reason.error)
    this.#input('lost')
  }
}

function hasLeftover(machine: LinkMachine): boolean {
  return machine.name === 'closed' && machine.leftover !== 'nothing'
}
