import { randomInt } from 'node:crypto'
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
import { Pipe } from './pipe.ts'

/** The masters' end of a TCP link: a listener; each connection gets a number and is mirrored at the device. */
export class TcpMasterEnd implements LinkEnd {
  readonly id: string
  readonly counters: LinkCounters = newCounters()
  readonly #context: LinkContext
  readonly #config: HeadEndLinkConfig
  readonly #entries = new Subject<readonly Entry[]>()
  readonly #credits = new Subject<Credit>()
  readonly #pipes = new Map<number, Pipe>()
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
    this.#listener = await listen(this.#config.master, allow === undefined ? {} : { allow })
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
    void this.#closeAll()
  }

  restate(): void {
    for (const pipe of this.#pipes.values()) pipe.restate()
  }

  peerRestarted(): void {}

  setPaused(paused: boolean): void {
    this.#paused = paused
    for (const pipe of this.#pipes.values()) pipe.setPaused(paused)
  }

  credit(credit: Credit): void {
    this.#pipes.get(credit.connection)?.credit(credit.total)
  }

  /** Connections end, and what was meant for them with them: nothing is kept for TCP. */
  offer(entry: SequencedEntry): boolean {
    this.deliver(entry)
    return true
  }

  deliver(entry: SequencedEntry): void {
    const pipe = this.#pipes.get(entry.connection)
    if (pipe === undefined) {
      if (entry.kind === 'frame') this.#orphan(entry)
    } else if (entry.kind === 'frame') pipe.write(entry.bytes)
    else if (entry.event === 'closed') pipe.end()
    else if (entry.event !== 'opened') pipe.connection.destroy()
  }

  /** The master is gone: the device's side is told, once. */
  #orphan(entry: SequencedEntry): void {
    this.counters.orphaned++
    if (this.#gone.first(entry.connection)) this.#tell(entry.connection, 'reset', 'no such connection')
  }

  refuse(entry: SequencedEntry, reset: boolean): void {
    const pipe = this.#pipes.get(entry.connection)
    if (entry.kind === 'frame') pipe?.skip(entry.bytes)
    if (!reset || pipe === undefined) return
    this.#pipes.delete(entry.connection)
    pipe.connection.destroy()
    this.#tell(entry.connection, 'reset', 'a frame was refused')
  }

  #accept(connection: Connection): void {
    if (!this.#present) {
      this.counters.refused++
      connection.destroy()
      return
    }
    const number = this.#next++
    this.counters.opened++
    this.counters.connections++
    this.#tell(number, 'opened', connection.remote)
    const pipe = new Pipe(connection, number, this.#context, this.counters, new CreditAccount(), {
      entries: (entries) => this.#entries.next(entries),
      credit: (total) => this.#credits.next({ connection: number, total }),
      closed: (reason) => this.#closed(number, reason),
    })
    this.#pipes.set(number, pipe)
    pipe.setPaused(this.#paused)
  }

  #closed(number: number, reason: CloseReason): void {
    this.counters.connections--
    if (!this.#pipes.delete(number)) return
    if (reason.kind === 'error') this.#tell(number, 'reset', reason.error?.code ?? 'the connection broke')
    else this.#tell(number, 'closed', '')
  }

  #tell(connection: number, event: LinkEvent, detail: string): void {
    const { inbound, now } = this.#context
    this.#entries.next([{ kind: 'event', link: this.id, connection, direction: inbound, time: now(), event, detail }])
  }

  async #closeAll(): Promise<void> {
    const all = [...this.#pipes.values()]
    this.#pipes.clear()
    await Promise.all(
      all.map(async (pipe) => {
        pipe.connection.destroy()
        await pipe.connection.closed
      }),
    )
  }
}
