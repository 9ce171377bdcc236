import { UsageError } from '@gridseal/wire'
import type { CloseReason, Connection } from '../connection.ts'
import { BaseConnection } from '../base-connection.ts'
import { formatEndpoint } from '../endpoint.ts'
import type { SerialEndpoint } from '../endpoint.ts'
import type { ConnectionSettings } from '../options.ts'

/** Silence after an answer that makes way for the next link, where the URL has no `gap`. */
const DEFAULT_GAP = 30
const BITS_PER_BYTE = 11
/** How many waits for an answer, and milliseconds at least, a link may have the line while others wait for it. */
const SHARE = 4
const LEAST_SHARE = 1000
/** What is kept for a link that does not read. */
const MOST_HELD = 64 << 10

/** A chunk that waits for the line. */
interface Turn {
  readonly member: SharedConnection
  readonly chunk: Uint8Array
}

/**
 * A serial line with several devices on it (multi-drop), used by several links as if each had it for itself. What a link
 * writes waits until the line is free; then the line is the link's: what comes in is its answer, until the line has been
 * silent for `gap`, or for `shared` when no answer comes; a link that asks again before that has it for a while only, if others
 * wait. What comes in while the line is nobody's goes to all.
 */
export class SharedLine {
  readonly #endpoint: SerialEndpoint
  readonly #url: string
  readonly #patience: number
  readonly #gap: number
  readonly #members = new Set<SharedConnection>()
  #turns: Turn[] = []
  #port: Connection | undefined
  #owner: SharedConnection | undefined
  /** When the owner must make way for others. */
  #shareOver = 0
  /** Something has come since the owner has sent. */
  #answered = false
  #timer: NodeJS.Timeout | undefined
  /** The last link has left; the port is closing. */
  #ending = false
  readonly #opened: Promise<Connection>

  private constructor(endpoint: SerialEndpoint, open: () => Promise<Connection>) {
    this.#endpoint = endpoint
    this.#url = formatEndpoint(endpoint)
    this.#patience = endpoint.shared ?? 0
    this.#gap = endpoint.gap ?? DEFAULT_GAP
    this.#opened = open()
  }

  /** Joins the line of an endpoint, and opens it for the first. Throws `UsageError` where others use it differently. */
  static async join(
    endpoint: SerialEndpoint,
    settings: ConnectionSettings,
    open: () => Promise<Connection>,
  ): Promise<SharedConnection> {
    const existing = LINES.get(endpoint.path)
    if (existing !== undefined && existing.#url !== formatEndpoint(endpoint)) {
      const message = `${formatEndpoint(endpoint)}: another link has it as ${existing.#url}; write both alike`
      throw new UsageError('transport.serial.shared', message, { path: endpoint.path })
    }
    if (existing !== undefined && existing.#ending) {
      await existing.#port?.closed
      return SharedLine.join(endpoint, settings, open)
    }
    const line = existing ?? new SharedLine(endpoint, open)
    LINES.set(endpoint.path, line)
    try {
      line.#attach(await line.#opened)
    } catch (error) {
      line.#forget()
      throw error
    }
    // The port may have gone while this one waited for it.
    if (LINES.get(endpoint.path) !== line) return SharedLine.join(endpoint, settings, open)
    const member = new SharedConnection(line, line.#url, settings)
    line.#members.add(member)
    return member
  }

  write(member: SharedConnection, chunk: Uint8Array): void {
    const makesWay = this.#answered && this.#turns.length > 0 && performance.now() >= this.#shareOver
    if (this.#owner === member && !makesWay) this.#send({ member, chunk })
    else {
      this.#turns.push({ member, chunk })
      this.#next()
    }
  }

  /** A link takes its leave; the last one closes the port. */
  leave(member: SharedConnection): void {
    this.#members.delete(member)
    this.#turns = this.#turns.filter((turn) => turn.member !== member)
    if (this.#members.size > 0) member.gone()
    else {
      const port = this.#port
      this.#ending = true
      port?.end()
      void (port?.closed ?? Promise.resolve()).then(() => member.gone())
    }
  }

  #attach(port: Connection): void {
    if (this.#port !== undefined) return
    this.#port = port
    port.data.subscribe((chunk) => this.#received(chunk))
    void port.closed.then((reason) => this.#closed(reason))
  }

  #next(): void {
    if (this.#owner !== undefined) return
    const turn = this.#turns.shift()
    if (turn !== undefined) this.#send(turn)
  }

  #send({ member, chunk }: Turn): void {
    if (this.#owner !== member) this.#shareOver = performance.now() + Math.max(SHARE * this.#patience, LEAST_SHARE)
    this.#owner = member
    this.#answered = false
    this.#port?.write(chunk)
    this.#releaseAfter(this.#patience + (chunk.length * BITS_PER_BYTE * 1000) / this.#endpoint.baud)
    member.sent(chunk)
  }

  #received(chunk: Uint8Array): void {
    if (this.#owner === undefined) {
      // Each gets memory of its own: a chunk belongs to who receives it.
      for (const member of this.#members) member.take(this.#members.size === 1 ? chunk : chunk.slice())
      return
    }
    this.#answered = true
    this.#owner.take(chunk)
    this.#releaseAfter(this.#gap)
  }

  #releaseAfter(milliseconds: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#owner = undefined
      this.#next()
    }, milliseconds)
  }

  #closed(reason: CloseReason): void {
    this.#forget()
    clearTimeout(this.#timer)
    for (const member of this.#members) member.lost(reason)
    this.#members.clear()
    this.#turns = []
  }

  #forget(): void {
    if (LINES.get(this.#endpoint.path) === this) LINES.delete(this.#endpoint.path)
  }
}

/** Lines in use, by device. */
const LINES = new Map<string, SharedLine>()

/** One link's share of a line. */
export class SharedConnection extends BaseConnection {
  readonly medium = 'serial'
  readonly local: string
  readonly remote: string
  readonly #line: SharedLine
  readonly #linger: number
  #queued = 0
  #reading = false
  #ending = false
  #over = false
  #held: Uint8Array[] = []
  #heldBytes = 0

  constructor(line: SharedLine, url: string, settings: ConnectionSettings) {
    super(settings.queue)
    this.#line = line
    this.#linger = settings.linger
    this.local = url
    this.remote = url
  }

  get queued(): number {
    return this.#queued
  }

  /** Bytes have come for this link. */
  take(chunk: Uint8Array): void {
    if (this.#reading && this.#held.length === 0) this.received(chunk)
    else if (this.#heldBytes + chunk.length > MOST_HELD) this.counters.discarded += chunk.length
    else {
      this.#held.push(chunk)
      this.#heldBytes += chunk.length
    }
  }

  /** A chunk of this link is on the line. */
  sent(chunk: Uint8Array): void {
    this.#queued -= chunk.length
    this.left()
    if (this.#ending && this.#queued === 0) this.#leave()
  }

  /** The line has let go of this link. */
  gone(): void {
    this.#queued = 0
    this.terminated()
  }

  /** The port is closed. */
  lost(reason: CloseReason): void {
    if (reason.error !== undefined) this.failed(reason.error)
    this.#over = true
    this.gone()
  }

  protected transmit(chunk: Uint8Array): void {
    this.#queued += chunk.length
    this.#line.write(this, chunk)
  }

  protected setReading(on: boolean): void {
    this.#reading = on
    if (on) queueMicrotask(() => this.#deliver())
  }

  protected finish(): void {
    this.#ending = true
    if (this.#queued === 0) this.#leave()
    else this.lingerFor(this.#linger)
  }

  protected breakOff(): void {
    this.#leave()
  }

  #leave(): void {
    if (this.#over) return
    this.#over = true
    this.#line.leave(this)
  }

  #deliver(): void {
    while (this.#reading && this.#held.length > 0) {
      const chunk = this.#held.shift()!
      this.#heldBytes -= chunk.length
      this.received(chunk)
    }
  }
}
