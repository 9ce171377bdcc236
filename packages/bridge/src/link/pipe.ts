import type { Framer } from '@gridseal/adapter'
import type { Entry } from '@gridseal/envelope'
import type { CloseReason, Connection } from '@gridseal/transport'
import type { CreditAccount } from './credit.ts'
import type { LinkContext, LinkCounters } from './end.ts'

export interface PipeHandlers {
  readonly entries: (entries: readonly Entry[]) => void
  /** The far side should hear the account's total. */
  readonly credit: (total: number) => void
  /** The peer sends no more; perhaps it may be written to. */
  readonly ended?: () => void
  /** The connection is gone; called once. */
  readonly closed: (reason: CloseReason) => void
}

/**
 * One local connection: cuts what it sends into frames, asks policy, and writes what comes for it. Reading stops while
 * more than the link's window is under way to the far side, so a slow device or master holds back its own peer and
 * nobody else.
 */
export class Pipe {
  readonly connection: Connection
  #number: number
  readonly #context: LinkContext
  readonly #counters: LinkCounters
  readonly #handlers: PipeHandlers
  readonly #framer: Framer
  readonly #silence: number
  #timer: NodeJS.Timeout | undefined
  #account: CreditAccount
  /** Bytes written here that count as taken only when the connection's queue is short again. */
  #unsettled = 0
  /** Frames of one batch for a stream: they leave in one write. */
  #outgoing: Uint8Array[] = []
  #congested = false
  #paused = false
  #stopped = false
  #seenDiscarded = 0
  #seenInvalid = 0

  constructor(
    connection: Connection,
    number: number,
    context: LinkContext,
    counters: LinkCounters,
    account: CreditAccount,
    handlers: PipeHandlers,
  ) {
    this.connection = connection
    this.#number = number
    this.#context = context
    this.#counters = counters
    this.#account = account
    this.#handlers = handlers
    const { config, adapter, inbound } = context
    this.#framer = adapter.framer({
      medium: connection.medium,
      direction: inbound,
      keepInvalid: config.keepInvalid,
      ...(config.framing === undefined ? {} : { framing: config.framing }),
    })
    const silenceMatters = connection.medium === 'serial' || config.framing === 'rtu'
    this.#silence = silenceMatters ? config.silence : 0
    connection.data.subscribe({ next: (chunk) => this.#read(chunk), complete: () => handlers.ended?.() })
    connection.drained.subscribe(() => this.#drained())
    void connection.closed.then((reason) => this.#closed(reason))
  }

  /** Whether what was written waits to leave. */
  get congested(): boolean {
    return this.#congested
  }

  /** Writes a frame from the far side. */
  write(bytes: Uint8Array): void {
    this.#counters.framesOut++
    this.#counters.bytesOut += bytes.length
    this.#unsettled += bytes.length
    if (this.connection.medium === 'stream') {
      if (this.#outgoing.push(bytes) === 1) queueMicrotask(() => this.#flush())
    } else {
      // On a line each frame must stand alone, with silence around it.
      if (!this.connection.write(bytes)) this.#congested = true
      this.#settle()
    }
  }

  /** Writes what waits and closes the connection behind it. */
  end(): void {
    this.#flush()
    this.connection.end()
  }

  #flush(): void {
    const frames = this.#outgoing
    const [first] = frames
    if (first === undefined) return
    this.#outgoing = []
    if (!this.connection.write(frames.length === 1 ? first : Buffer.concat(frames))) this.#congested = true
    this.#settle()
  }

  /** Accounts for a frame from the far side that was not written. */
  skip(bytes: Uint8Array): void {
    if (this.#account.take(bytes.length)) this.#handlers.credit(this.#account.tell())
  }

  credit(total: number): void {
    this.#account.credit(total)
    this.#flow()
  }

  /** Tells the far side the total again. */
  restate(): void {
    this.#handlers.credit(this.#account.tell())
  }

  /** From now on this is another connection to the far side. */
  renumber(number: number): void {
    this.#number = number
  }

  /** Answers from here; nothing has come from the far side. */
  answer(bytes: Uint8Array): void {
    this.#counters.answered++
    this.connection.write(bytes)
  }

  /** Starts a new account: the far bridge has begun anew. */
  useAccount(account: CreditAccount): void {
    this.#account = account
    this.#unsettled = 0
    this.#flow()
  }

  setPaused(paused: boolean): void {
    this.#paused = paused
    this.#flow()
  }

  #settle(): void {
    if (this.#congested || this.#unsettled === 0) return
    const tell = this.#account.take(this.#unsettled)
    this.#unsettled = 0
    if (tell) this.#handlers.credit(this.#account.tell())
  }

  #drained(): void {
    this.#congested = false
    this.#settle()
  }

  #flow(): void {
    const full = this.#account.underWay >= this.#context.config.window
    // What is kept has its own limits: the far side may be away for hours.
    const stop = this.#paused || (full && this.#context.store === undefined)
    if (stop === this.#stopped) return
    this.#stopped = stop
    if (stop) this.connection.pause()
    else this.connection.resume()
  }

  #read(chunk: Uint8Array): void {
    this.#emit(this.#framer.push(chunk))
    if (this.#silence === 0) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#emit(this.#framer.quiet()), this.#silence)
  }

  #emit(frames: readonly Uint8Array[]): void {
    this.#count()
    if (frames.length === 0) return
    const { config, inbound, policy, now } = this.#context
    const time = now()
    const entries: Entry[] = []
    let close = false
    for (const bytes of frames) {
      const verdict = policy === undefined ? 'pass' : policy(bytes, inbound)
      if (verdict !== 'pass') {
        this.#deny(bytes)
        close ||= verdict === 'close'
        continue
      }
      this.#counters.framesIn++
      this.#counters.bytesIn += bytes.length
      this.#account.sent(bytes.length)
      const { id: link, protocol } = config
      entries.push({ kind: 'frame', link, connection: this.#number, direction: inbound, time, protocol, bytes })
    }
    if (entries.length > 0) this.#handlers.entries(entries)
    this.#flow()
    if (close) this.connection.destroy()
  }

  #deny(bytes: Uint8Array): void {
    const { config, adapter, inbound, report } = this.#context
    this.#counters.denied++
    const { summary } = adapter.describe(bytes, inbound, config.framing)
    report({
      level: 'warn',
      code: 'policy.denied',
      message: `${config.id}: ${inbound} frame held back: ${summary}`,
      details: { link: config.id, connection: this.#number, direction: inbound },
    })
  }

  /** Moves what the framer has counted into the link's counters. */
  #count(): void {
    this.#counters.discarded += this.#framer.discarded - this.#seenDiscarded
    this.#counters.invalid += this.#framer.invalid - this.#seenInvalid
    this.#seenDiscarded = this.#framer.discarded
    this.#seenInvalid = this.#framer.invalid
  }

  #closed(reason: CloseReason): void {
    clearTimeout(this.#timer)
    // On a line silence ends a frame. On a stream the rest is half a frame: what looks like a frame inside it is not one.
    if (this.#silence > 0) this.#emit(this.#framer.quiet())
    this.#count()
    this.#counters.discarded += this.#framer.pending
    // What was still queued is gone with the connection; the far side may send on where a line comes back.
    this.#congested = false
    this.#settle()
    this.#handlers.closed(reason)
  }
}
