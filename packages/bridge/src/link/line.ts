import type { Entry, SequencedEntry } from '@gridseal/envelope'
import { ReconnectingLink, connect, parseEndpoint } from '@gridseal/transport'
import type { Connection } from '@gridseal/transport'
import type { Observable } from 'rxjs'
import { Subject } from 'rxjs'
import type { HeadEndLinkConfig } from '../config/model.ts'
import { CreditAccount } from './credit.ts'
import type { Credit, LinkContext, LinkCounters, LinkEnd } from './end.ts'
import { newCounters } from './end.ts'
import { Pipe } from './pipe.ts'

const CONNECTION = 0

/** Either end of a serial link: one line, no connections; opened again whenever it comes back. */
export class LineEnd implements LinkEnd {
  readonly id: string
  readonly counters: LinkCounters = newCounters()
  readonly #context: LinkContext
  readonly #entries = new Subject<readonly Entry[]>()
  readonly #credits = new Subject<Credit>()
  readonly #line: ReconnectingLink
  /** Lives as long as the two bridges, not as the open port. */
  #account = new CreditAccount()
  #pipe: Pipe | undefined
  #paused = false
  #present = false

  constructor(context: LinkContext, url: string) {
    this.id = context.config.id
    this.#context = withGapOf(url, context)
    this.#line = new ReconnectingLink((signal) => connect(url, { signal }))
    this.#line.connections.subscribe((connection) => this.#open(connection))
    this.#line.state.subscribe((state) => {
      context.report({
        level: 'info',
        code: 'link.state',
        message: `${this.id}: line ${state}`,
        details: { link: this.id, state },
      })
    })
  }

  get entries(): Observable<readonly Entry[]> {
    return this.#entries
  }
  get credits(): Observable<Credit> {
    return this.#credits
  }

  async start(): Promise<void> {
    this.#line.start()
  }

  stop(): Promise<void> {
    return this.#line.stop()
  }

  setFarSide(present: boolean): void {
    this.#present = present
    // A line has no connections to close. What was under way to a device has been given up and will never be taken.
    if (present || this.#context.inbound !== 'to-device') return
    this.#account.forgive()
    this.#pipe?.setPaused(this.#paused)
  }

  restate(): void {
    this.#credits.next({ connection: CONNECTION, total: this.#account.tell() })
  }

  peerRestarted(): void {
    this.#account = new CreditAccount()
    this.#pipe?.useAccount(this.#account)
  }

  setPaused(paused: boolean): void {
    this.#paused = paused
    this.#pipe?.setPaused(paused)
  }

  credit(credit: Credit): void {
    if (this.#pipe !== undefined) this.#pipe.credit(credit.total)
    else this.#account.credit(credit.total)
  }

  /** What was kept waits for the line to come back, and for its queue to be short. */
  offer(entry: SequencedEntry): boolean {
    if (this.#pipe === undefined || this.#pipe.congested) return false
    this.deliver(entry)
    return true
  }

  deliver(entry: SequencedEntry): void {
    if (entry.kind === 'event') return
    if (this.#pipe === undefined) {
      this.counters.orphaned++
      this.refuse(entry)
    } else this.#pipe.write(entry.bytes)
  }

  refuse(entry: SequencedEntry): void {
    if (entry.kind === 'frame' && this.#account.take(entry.bytes.length)) this.restate()
  }

  #frames(pipe: Pipe, entries: readonly Entry[]): void {
    if (this.#present || !this.#answers) return this.#entries.next(entries)
    const { adapter, config } = this.#context
    for (const entry of entries) {
      const answer = entry.kind === 'frame' ? adapter.unavailable?.(entry.bytes, 'path', config.framing) : undefined
      if (answer !== undefined) pipe.answer(answer)
    }
    this.#account.forgive()
  }

  get #answers(): boolean {
    return (this.#context.config as Partial<HeadEndLinkConfig>).away === 'answer'
  }

  #open(connection: Connection): void {
    this.counters.opened++
    this.counters.connections++
    const pipe = new Pipe(connection, CONNECTION, this.#context, this.counters, this.#account, {
      entries: (entries) => this.#frames(pipe, entries),
      credit: (total) => this.#credits.next({ connection: CONNECTION, total }),
      closed: () => {
        this.counters.connections--
        if (this.#pipe === pipe) this.#pipe = undefined
      },
    })
    this.#pipe = pipe
    pipe.setPaused(this.#paused)
  }
}

/** The line's own silence between frames, where its URL names one, instead of the link's. */
function withGapOf(url: string, context: LinkContext): LinkContext {
  const endpoint = parseEndpoint(url)
  if (endpoint.kind !== 'serial' || endpoint.gap === undefined) return context
  return { ...context, config: { ...context.config, silence: endpoint.gap } }
}
