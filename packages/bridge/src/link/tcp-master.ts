import { randomInt } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { Entry, LinkEvent, SequencedEntry } from '@gridseal/envelope'
import type { CloseReason, Connection, Listener } from '@gridseal/transport'
import { listen } from '@gridseal/transport'
import type { Observable } from 'rxjs'
import { Subject } from 'rxjs'
import type { HeadEndLinkConfig } from '../config/model.ts'
import { CreditAccount } from './credit.ts'
import type { Credit, LinkContext, LinkCounters, LinkEnd } from './end.ts'
import { newCounters } from './end.ts'
import { ALL_CONNECTIONS, GoneConnections } from './gone.ts'
import { hostOf } from './host-of.ts'
import { Pipe } from './pipe.ts'

/** A master's connection. */
interface Master {
  readonly pipe: Pipe
  /** Of its mirror at the device; undefined while it has none. */
  number: number | undefined
  /** The last requests since the last answer. */
  readonly unanswered: Uint8Array[]
  /** When a new mirror may be tried. */
  retryAt: number
  /** It sends no more, and waits for an answer. */
  waits: boolean
  /** Ends the connection behind the answer. */
  ending: NodeJS.Timeout | undefined
}

/** Milliseconds for which a master that has ended its half of the connection waits for its answers, in all. */
const HALF_OPEN_MS = 10_000
/** An answer may have several frames: so long after the last of them it is all there, ms. */
const ANSWER_QUIET_MS = 1000

/** Milliseconds between attempts to reach a device whose master stays connected. */
const RETRY_MS = 1000
const MOST_UNANSWERED = 16

/**
 * The masters' end of a TCP link: a listener; each connection gets a number and is mirrored at the device. While the
 * device is out of reach masters are closed, or (`away: answer`) stay and are answered from here.
 */
export class TcpMasterEnd implements LinkEnd {
  readonly id: string
  readonly counters: LinkCounters = newCounters()
  readonly #context: LinkContext
  readonly #config: HeadEndLinkConfig
  readonly #entries = new Subject<readonly Entry[]>()
  readonly #credits = new Subject<Credit>()
  /** Every master that is connected. */
  readonly #all = new Set<Master>()
  /** Those whose connection is mirrored at the device, by its number. */
  readonly #masters = new Map<number, Master>()
  #listener: Listener | undefined
  /** Numbers begin anywhere: answers to a process that ran before must fit no connection of this one. */
  #next: number = randomInt(1, 2 ** 31)
  readonly #gone = new GoneConnections()
  #present = false
  #paused = false

  constructor(context: LinkContext, config: HeadEndLinkConfig) {
    this.id = config.id
    this.#context = context
    this.#config = config
  }

  get entries(): Observable<readonly Entry[]> {
    return this.#entries
  }
  get credits(): Observable<Credit> {
    return this.#credits
  }

  /** Where masters connect: the configured URL with the real port. */
  get url(): string {
    return this.#listener?.url ?? this.#config.master
  }

  async start(): Promise<void> {
    const { allow } = this.#config
    this.#listener = await listen(this.#config.master, {
      halfOpen: HALF_OPEN_MS,
      ...(allow === undefined ? {} : { allow }),
    })
    this.#listener.connections.subscribe((connection) => this.#accept(connection))
  }

  async stop(): Promise<void> {
    const closing = this.#listener?.close()
    await this.#closeAll()
    await closing
  }

  setFarSide(present: boolean, why: string): void {
    this.#present = present
    if (present) return
    // Also those that ended meanwhile: what was said of them may have been given up.
    this.#tell(ALL_CONNECTIONS, 'reset', why)
    this.#gone.clear()
    if (this.#config.away === 'close') void this.#closeAll()
    else for (const master of this.#masters.values()) this.#alone(master, 'path')
  }

  restate(): void {
    for (const { pipe } of this.#masters.values()) pipe.restate()
  }

  peerRestarted(): void {}

  setPaused(paused: boolean): void {
    this.#paused = paused
    for (const { pipe } of this.#all) pipe.setPaused(paused)
  }

  credit(credit: Credit): void {
    this.#masters.get(credit.connection)?.pipe.credit(credit.total)
  }

  /** Connections end, and what was meant for them with them: nothing is kept for TCP. */
  offer(entry: SequencedEntry): boolean {
    this.deliver(entry)
    return true
  }

  deliver(entry: SequencedEntry): void {
    const master = this.#masters.get(entry.connection)
    if (master === undefined) {
      if (entry.kind === 'frame') this.#orphan(entry)
    } else if (entry.kind === 'frame') {
      master.unanswered.length = 0
      master.pipe.write(entry.bytes)
      if (master.waits) this.#endSoon(master)
    } else if (entry.event !== 'opened') this.#lost(master, entry.event === 'closed')
  }

  /** The device's connection has ended, or broke, or was never made. */
  #lost(master: Master, inOrder: boolean): void {
    if (this.#config.away === 'answer') this.#alone(master, 'device')
    else if (inOrder) master.pipe.end()
    else master.pipe.connection.destroy()
  }

  /** The master is gone: the device's side is told, once. */
  #orphan(entry: SequencedEntry): void {
    this.counters.orphaned++
    if (this.#gone.first(entry.connection)) this.#tell(entry.connection, 'reset', 'no such connection')
  }

  refuse(entry: SequencedEntry, reset: boolean): void {
    const master = this.#masters.get(entry.connection)
    if (entry.kind === 'frame') master?.pipe.skip(entry.bytes)
    if (!reset || master === undefined) return
    this.#forget(master)
    master.pipe.connection.destroy()
    this.#tell(entry.connection, 'reset', 'a frame was refused')
  }

  #accept(connection: Connection): void {
    if (!this.#present && this.#config.away === 'close') {
      this.counters.refused++
      connection.destroy()
      return
    }
    this.#release(connection.remote)
    this.counters.opened++
    this.counters.connections++
    const number = this.#next++
    const pipe = new Pipe(connection, number, this.#context, this.counters, new CreditAccount(), {
      entries: (entries) => this.#frames(master, entries),
      credit: (total) => master.number !== undefined && this.#credits.next({ connection: master.number, total }),
      ended: () => this.#ended(master),
      closed: (reason) => this.#closed(master, reason),
    })
    const master: Master = {
      pipe,
      number: undefined,
      unanswered: [],
      retryAt: 0,
      waits: false,
      ending: undefined,
    }
    this.#all.add(master)
    if (this.#present) this.#mirror(master, number)
    pipe.setPaused(this.#paused)
  }

  /** Has the master's connection mirrored at the device. */
  #mirror(master: Master, number: number): void {
    master.number = number
    master.pipe.renumber(number)
    master.pipe.useAccount(new CreditAccount())
    this.#masters.set(number, master)
    this.#tell(number, 'opened', master.pipe.connection.remote)
  }

  /** What a master sends goes to its mirror; without one it is answered here, and a new one is tried now and then. */
  #frames(master: Master, entries: readonly Entry[]): void {
    let sent = entries
    if (this.#config.away === 'answer') {
      const now = performance.now()
      if (master.number === undefined && this.#present && now >= master.retryAt) {
        const number = this.#next++
        master.retryAt = now + RETRY_MS
        this.#mirror(master, number)
        sent = entries.map((entry) => ({ ...entry, connection: number }))
      }
    }
    for (const entry of entries) if (entry.kind === 'frame') master.unanswered.push(entry.bytes)
    if (master.number === undefined) return this.#alone(master, this.#present ? 'device' : 'path')
    if (master.unanswered.length > MOST_UNANSWERED)
      master.unanswered.splice(0, master.unanswered.length - MOST_UNANSWERED)
    this.#entries.next(sent)
  }

  /** A master may end its half of the connection behind its requests, and wait: what is owed to it comes first. */
  #ended(master: Master): void {
    const { adapter, config } = this.#context
    master.waits = master.unanswered.some((request) => adapter.expectsAnswer?.(request, config.framing) === true)
    if (!master.waits) master.pipe.end()
  }

  /** Who comes again waits for nothing on the connection before, if he ever did; its device may allow few. */
  #release(remote: string): void {
    for (const master of this.#all) {
      if (!master.waits || hostOf(master.pipe.connection.remote) !== hostOf(remote)) continue
      this.#forget(master)
      master.pipe.connection.destroy()
      if (master.number !== undefined) this.#tell(master.number, 'closed', '')
    }
  }

  #endSoon(master: Master): void {
    if (master.ending === undefined) master.ending = setTimeout(() => master.pipe.end(), ANSWER_QUIET_MS)
    else master.ending.refresh()
  }

  /** A master without a mirror: what waits for an answer gets one from here, as the protocol has it. */
  #alone(master: Master, cause: 'path' | 'device'): void {
    if (master.number !== undefined) this.#masters.delete(master.number)
    master.number = undefined
    const { adapter, config } = this.#context
    for (const request of master.unanswered.splice(0)) {
      const answer = adapter.unavailable?.(request, cause, config.framing)
      if (answer !== undefined) master.pipe.answer(answer)
    }
    master.pipe.useAccount(new CreditAccount())
    if (master.waits) master.pipe.end()
  }

  #forget(master: Master): void {
    this.#all.delete(master)
    if (master.number !== undefined) this.#masters.delete(master.number)
  }

  #closed(master: Master, reason: CloseReason): void {
    this.counters.connections--
    clearTimeout(master.ending)
    const { number } = master
    if (!this.#all.has(master)) return
    this.#forget(master)
    if (number === undefined) return
    if (reason.kind === 'error') this.#tell(number, 'reset', reason.error?.code ?? 'the connection broke')
    else this.#tell(number, 'closed', '')
  }

  #tell(connection: number, event: LinkEvent, detail: string): void {
    const { inbound, now } = this.#context
    this.#entries.next([{ kind: 'event', link: this.id, connection, direction: inbound, time: now(), event, detail }])
  }

  async #closeAll(): Promise<void> {
    const all = [...this.#all]
    this.#all.clear()
    this.#masters.clear()
    await Promise.all(
      all.map(async ({ pipe }) => {
        pipe.connection.destroy()
        await pipe.connection.closed
      }),
    )
  }
}
