import type { Entry, EventEntry, LinkEvent, SequencedEntry } from '@gridseal/envelope'
import { performance } from 'node:perf_hooks'
import type { CloseReason, Connection } from '@gridseal/transport'
import { connect } from '@gridseal/transport'
import type { Observable } from 'rxjs'
import { Subject } from 'rxjs'
import type { FieldLinkConfig } from '../config/model.ts'
import { failure } from '../events.ts'
import { CreditAccount } from './credit.ts'
import type { Credit, LinkContext, LinkCounters, LinkEnd } from './end.ts'
import { newCounters } from './end.ts'
import { ALL_CONNECTIONS, GoneConnections } from './gone.ts'
import { Pipe } from './pipe.ts'

/** A connection to the device that mirrors one of a master's. */
interface Mirrored {
  pipe: Pipe | undefined
  readonly account: CreditAccount
  /** Frames that came while the connection was being made, and until when they may be delivered. */
  readonly waiting: { readonly bytes: Uint8Array; readonly until: number }[]
  /** The master is gone: close when what waits is written. */
  ending: boolean
}

/** The device's end of a TCP link: mirrors every connection that a master opens at the head-end. */
export class TcpDeviceEnd implements LinkEnd {
  readonly id: string
  readonly counters: LinkCounters = newCounters()
  readonly #context: LinkContext
  readonly #connect: () => Promise<Connection>
  readonly #entries = new Subject<readonly Entry[]>()
  readonly #credits = new Subject<Credit>()
  readonly #connections = new Map<number, Mirrored>()
  readonly #gone = new GoneConnections()
  #paused = false

  constructor(
    context: LinkContext,
    { id, device }: FieldLinkConfig,
    open: (url: string) => Promise<Connection> = connect,
  ) {
    this.id = id
    this.#context = context
    this.#connect = () => open(device)
  }

  get entries(): Observable<readonly Entry[]> {
    return this.#entries
  }
  get credits(): Observable<Credit> {
    return this.#credits
  }

  async start(): Promise<void> {}

  stop(): Promise<void> {
    return this.#closeAll()
  }

  setFarSide(present: boolean, why: string): void {
    if (present) return
    for (const number of this.#connections.keys()) this.#tell(number, 'reset', why)
    void this.#closeAll()
  }

  restate(): void {
    for (const [connection, { account }] of this.#connections) {
      this.#credits.next({ connection, total: account.tell() })
    }
  }

  peerRestarted(): void {}

  setPaused(paused: boolean): void {
    this.#paused = paused
    for (const { pipe } of this.#connections.values()) pipe?.setPaused(paused)
  }

  credit(credit: Credit): void {
    const mirrored = this.#connections.get(credit.connection)
    if (mirrored?.pipe !== undefined) mirrored.pipe.credit(credit.total)
    else mirrored?.account.credit(credit.total)
  }

  /** Connections end, and what was meant for them with them: nothing is kept for TCP. */
  offer(entry: SequencedEntry): boolean {
    this.deliver(entry)
    return true
  }

  deliver(entry: SequencedEntry, until: number = Number.POSITIVE_INFINITY): void {
    if (entry.kind === 'event') this.#event(entry)
    else {
      const mirrored = this.#connections.get(entry.connection)
      if (mirrored === undefined) this.#orphan(entry)
      else if (mirrored.pipe === undefined) mirrored.waiting.push({ bytes: entry.bytes, until })
      else mirrored.pipe.write(entry.bytes)
    }
  }

  /** The device's connection is gone: the master's side is told, once. */
  #orphan(entry: SequencedEntry): void {
    this.counters.orphaned++
    if (this.#gone.first(entry.connection)) this.#tell(entry.connection, 'reset', 'no such connection')
  }

  refuse(entry: SequencedEntry, reset: boolean): void {
    const mirrored = this.#connections.get(entry.connection)
    if (mirrored === undefined) return
    if (entry.kind === 'frame') {
      if (mirrored.pipe !== undefined) mirrored.pipe.skip(entry.bytes)
      else mirrored.account.take(entry.bytes.length)
    }
    if (!reset) return
    this.#drop(entry.connection, mirrored)
    this.#tell(entry.connection, 'reset', 'a frame was refused')
  }

  /** Forgets a connection and breaks it off; frames that wait for it go nowhere. */
  #drop(number: number, mirrored: Mirrored): void {
    this.#connections.delete(number)
    mirrored.waiting.length = 0
    mirrored.pipe?.connection.destroy()
  }

  #event(entry: EventEntry): void {
    if (entry.connection === ALL_CONNECTIONS) {
      for (const [number, mirrored] of this.#connections) this.#drop(number, mirrored)
      return
    }
    const mirrored = this.#connections.get(entry.connection)
    if (entry.event === 'opened') {
      if (mirrored === undefined) void this.#open(entry.connection)
    } else if (mirrored !== undefined) {
      if (entry.event !== 'closed') return this.#drop(entry.connection, mirrored)
      mirrored.ending = true
      mirrored.pipe?.end()
    }
  }

  async #open(number: number): Promise<void> {
    const mirrored: Mirrored = { pipe: undefined, account: new CreditAccount(), waiting: [], ending: false }
    this.#connections.set(number, mirrored)
    try {
      const connection = await this.#connect()
      if (this.#connections.get(number) !== mirrored || this.#isTooLate(number, mirrored)) {
        connection.destroy()
        return
      }
      this.counters.opened++
      this.counters.connections++
      const pipe = new Pipe(connection, number, this.#context, this.counters, mirrored.account, {
        entries: (entries) => this.#entries.next(entries),
        credit: (total) => this.#credits.next({ connection: number, total }),
        closed: (reason) => this.#closed(number, mirrored, reason),
      })
      mirrored.pipe = pipe
      pipe.setPaused(this.#paused)
      for (const { bytes } of mirrored.waiting.splice(0)) pipe.write(bytes)
      if (mirrored.ending) pipe.end()
    } catch (error) {
      this.#context.report(failure('warn', `${this.id}: cannot connect to the device`, error, { link: this.id }))
      if (this.#connections.get(number) !== mirrored) return
      this.#connections.delete(number)
      this.#tell(number, 'failed', 'the device cannot be reached')
    }
  }

  /** Whether making the connection took longer than what waits for it may be old: then that ends here. */
  #isTooLate(number: number, mirrored: Mirrored): boolean {
    const late = mirrored.waiting.filter(({ until }) => performance.now() > until).length
    if (late === 0) return false
    this.counters.stale += late
    const message = `${this.id}: the device took so long to be connected that ${late} frames are too old for it`
    const details = { link: this.id, connection: number, frames: late }
    this.#context.report({ level: 'warn', code: 'link.stale', message, details })
    this.#drop(number, mirrored)
    this.#tell(number, 'reset', 'a frame was refused')
    return true
  }

  #closed(number: number, mirrored: Mirrored, reason: CloseReason): void {
    this.counters.connections--
    if (this.#connections.get(number) !== mirrored) return
    this.#connections.delete(number)
    if (reason.kind === 'error') this.#tell(number, 'reset', reason.error?.code ?? 'the connection broke')
    else this.#tell(number, 'closed', '')
  }

  #tell(connection: number, event: LinkEvent, detail: string): void {
    const { inbound, now } = this.#context
    this.#entries.next([{ kind: 'event', link: this.id, connection, direction: inbound, time: now(), event, detail }])
  }

  async #closeAll(): Promise<void> {
    const all = [...this.#connections.values()]
    this.#connections.clear()
    await Promise.all(
      all.map(async ({ pipe }) => {
        pipe?.connection.destroy()
        await pipe?.connection.closed
      }),
    )
  }
}
