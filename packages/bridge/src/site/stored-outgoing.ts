import type { MessageChannel } from '@gridseal/channel'
import type { Entry, Journal, Lane, QueuedBatch, SealedBatch, SealerLimits } from '@gridseal/envelope'
import {
  JournalQueue,
  STREAM_CLASSES,
  Sealer,
  decodeBatch,
  encodeCheckpoint,
  isKeyChangeLeaf,
  readEntryLeaf,
} from '@gridseal/envelope'
import type { SigningKey } from '@gridseal/pqc'
import { toHex } from '@gridseal/wire'
import type { Level } from '../events.ts'
import type { StreamPosition } from './control.ts'
import { PORT_BATCH, PORT_CONTROL, encodeControl } from './control.ts'

export interface StoredOutgoingOptions {
  readonly key: SigningKey
  readonly lane: Lane
  readonly journal: Journal
  readonly limits: Partial<SealerLimits>
  /** Bytes of batches under way, or not in the journal yet. */
  readonly window: number
  readonly now: () => bigint
  /** Whether the links must stop reading: the disk does not keep up. */
  readonly onPause: (paused: boolean) => void
  readonly onFault: (what: string, error: unknown) => void
  readonly say: (level: Level, code: string, what: string, details?: Record<string, unknown>) => void
}

const A_DAY = 86_400_000_000_000n

export interface StoredOutgoingStats {
  /** Entries that came. */
  entries: number
  /** Entries that were not taken because too much waits already. */
  dropped: number
  /** Batches sent, those sent again included. */
  sent: number
  /** Batches and bytes that the peer has not acknowledged yet. */
  backlog: number
  backlogBytes: number
}

/**
 * A class of traffic that leaves this bridge and is kept until the peer has it. Entries are sealed whether the peer is
 * there or not; every batch goes to the journal first and from there, in order, over whatever channel comes up. The mark
 * in the journal says what the peer has acknowledged, so a restart loses nothing and sends nothing twice that the peer
 * says it has.
 */
export class StoredOutgoing {
  readonly #options: StoredOutgoingOptions
  readonly #sealer: Sealer
  #queue!: JournalQueue
  readonly #port: number
  #channel: MessageChannel | undefined
  #congested = false
  #unkept = 0
  #held = false
  #dead = false
  #entries = 0
  #dropped = 0
  #sent = 0
  #underWay: { readonly stream: Uint8Array; readonly number: number; readonly bytes: number }[] = []
  #underWayBytes = 0
  /** A batch that waits to be told where its log stood. */
  #blocked = false
  /** When the latest log began that the journal held when it was opened. */
  #created = 0n
  /** Logs that the peer will not take, being older than what it has: their entries are sealed again. */
  #stale: ReadonlySet<string> | undefined
  #peerAt: { readonly stream: Uint8Array; readonly next: number } | undefined

  private constructor(options: StoredOutgoingOptions) {
    this.#options = options
    const { key, lane, limits, now, onPause } = options
    this.#port = PORT_BATCH + STREAM_CLASSES.indexOf(lane.class)
    this.#sealer = new Sealer({
      key,
      ...lane,
      limits,
      now,
      onBatch: (batch) => this.#sealed(batch),
      onRelief: () => onPause(false),
      onError: (error) => this.#fault('sealing', error),
    })
  }

  /** Goes on where the journal ends. */
  static async open(options: StoredOutgoingOptions): Promise<StoredOutgoing> {
    const out = new StoredOutgoing(options)
    const { journal, lane } = options
    const end = await journal.history.end(lane)
    if (end !== undefined) {
      out.#created = end.created
      out.#sealer.continueFrom(end, end.created)
    }
    out.#queue = await JournalQueue.open(journal, {
      name: `sent ${JSON.stringify(lane)}`,
      lane,
      unmarked: 'all',
      onReady: () => out.#pump(),
      onError: (error) => out.#fault('the journal', error),
    })
    return out
  }

  get stats(): StoredOutgoingStats {
    const { batches, bytes } = this.#queue.backlog
    const [entries, dropped, sent] = [this.#entries, this.#dropped, this.#sent]
    return { entries, dropped, sent, backlog: batches, backlogBytes: bytes + this.#sealer.pendingBytes }
  }

  add(entries: readonly Entry[]): void {
    if (this.#dead) return
    this.#entries += entries.length
    if (!this.#sealer.add(entries)) this.#options.onPause(true)
  }

  /** Entries that come while too much waits already. */
  drop(entries: readonly Entry[]): void {
    this.#entries += entries.length
    this.#dropped += entries.length
  }

  /** The peer is there and has told where it stands: it gets what it lacks. */
  attach(channel: MessageChannel, position: StreamPosition | undefined): void {
    this.#channel = channel
    this.#congested = false
    this.#blocked = false
    this.#underWay = []
    this.#underWayBytes = 0
    this.#peerAt = position
    this.#stale = undefined
    this.#queue.rewind(position)
    const forgot = this.#compare(position)
    if (forgot !== undefined) {
      this.#blocked = true
      void this.#again(channel, forgot)
    }
    channel.drained.subscribe(() => {
      if (channel !== this.#channel) return
      this.#congested = false
      this.#pump()
    })
    this.#pump()
  }

  detach(): void {
    this.#channel = undefined
    this.#congested = false
    this.#blocked = false
  }

  /** Batches of the log up to `number` are safe at the peer. */
  acknowledge(stream: Uint8Array, number: number): void {
    const upTo = this.#underWay.findLastIndex((b) => b.number <= number && Buffer.compare(b.stream, stream) === 0)
    if (upTo < 0) return
    for (const { bytes } of this.#underWay.splice(0, upTo + 1)) this.#underWayBytes -= bytes
    this.#queue.settle(stream, number)
    this.#pump()
  }

  /** Resolves when all that has come is in the journal. */
  async close(): Promise<void> {
    this.#sealer.release()
    await this.#sealer.close()
    this.#queue.end()
  }

  #sealed(batch: SealedBatch): void {
    const { length } = batch.bytes
    this.#unkept += length
    this.#hold(this.#unkept >= this.#options.window)
    this.#queue.push(batch.bytes, batch.stream, batch.number, batch.before).then(
      () => {
        this.#unkept -= length
        this.#hold(this.#unkept >= this.#options.window)
      },
      (error: unknown) => this.#fault('the journal', error),
    )
  }

  #hold(hold: boolean): void {
    if (hold === this.#held) return
    this.#held = hold
    if (hold || this.#dead) this.#sealer.hold()
    else this.#sealer.release()
  }

  #fault(what: string, error: unknown): void {
    this.#dead = true
    this.#sealer.hold()
    this.#options.onFault(what, error)
  }

  /** Sends what the channel and the window take. */
  #pump(): void {
    while (
      this.#channel !== undefined &&
      !this.#congested &&
      !this.#blocked &&
      this.#underWayBytes < this.#options.window
    ) {
      const batch = this.#queue.next()
      if (batch === undefined) return
      this.#send(this.#channel, batch)
    }
  }

  #send(channel: MessageChannel, batch: QueuedBatch): void {
    if (this.#stale?.has(toHex(batch.stream)) === true) return this.#sealAgain(batch)
    this.#stale = undefined
    const { stream, number, bytes, origin } = batch
    const at = this.#peerAt
    const follows = number === 0 || (at?.next === number && Buffer.compare(at.stream, stream) === 0)
    if (follows || origin !== undefined) {
      if (!follows && origin !== undefined) {
        channel.send(PORT_CONTROL, encodeControl({ kind: 'position', checkpoint: encodeCheckpoint(origin) }))
      }
      this.#peerAt = { stream, next: number + 1 }
      this.#underWay.push({ stream, number, bytes: bytes.length })
      this.#underWayBytes += bytes.length
      this.#sent++
      this.#congested = !channel.send(this.#port, bytes)
      return
    }
    this.#blocked = true
    this.#options.journal.history.origin(toHex(stream), number).then(
      (found) => {
        if (channel !== this.#channel) return
        this.#blocked = false
        if (found === undefined)
          this.#options.say('error', 'store.lost', `the journal does not tell where batch ${number} begins`)
        else this.#send(channel, { ...batch, origin: found })
        this.#pump()
      },
      (error: unknown) => this.#fault('the journal', error),
    )
  }

  #sealAgain({ bytes, stream, number }: QueuedBatch): void {
    const { header, leaves } = decodeBatch(bytes)
    const entries = leaves.slice(header.number === 0 ? 1 : 0).filter((leaf) => !isKeyChangeLeaf(leaf))
    this.#sealer.add(entries.map((leaf) => readEntryLeaf(leaf)))
    this.#queue.settle(stream, number)
  }

  /**
   * Two journals that remember different things: one of them has been set back. Returns the position of a peer that has
   * lost what it had acknowledged.
   */
  #compare(position: StreamPosition | undefined): StreamPosition | undefined {
    const { journal, lane, now, say } = this.#options
    const { settled } = this.#queue
    if (position === undefined) {
      if (settled !== undefined)
        say('warn', 'peer.set-back', `the peer has nothing of the ${lane.class} stream any more`)
      return undefined
    }
    const logs = journal.history.segments.flatMap(({ streams }) => streams)
    const known = toHex(position.stream)
    const log = logs.findLast(({ stream }) => stream === known)
    const details = { log: known, next: position.next }
    if (log === undefined ? position.created > this.#created : position.next > log.last + 1) {
      if (this.#created > 0n || log !== undefined) {
        const what = `the peer has batches of the ${lane.class} stream that this journal lacks: it has been set back`
        say('error', 'journal.set-back', what, details)
      }
      // A peer that speaks of the far future must not set the date of our logs.
      if (position.created < now() + A_DAY) this.#sealer.datedAfter(position.created)
      if (this.#sealer.created <= position.created) {
        this.#stale = new Set(logs.map(({ stream }) => stream))
        this.#sealer.startLog('restart')
      }
      return undefined
    }
    if (settled === undefined || log === undefined) return undefined
    const order = logs.map(({ stream }) => stream)
    const same = toHex(settled.stream) === known
    const forgot = same
      ? position.next <= settled.number
      : order.indexOf(known) < order.lastIndexOf(toHex(settled.stream))
    if (!forgot) return undefined
    const what = `the peer lacks batches of the ${lane.class} stream that it had acknowledged: its journal was set back`
    say('error', 'peer.set-back', what, details)
    return position
  }

  /** Sends again from where the peer stands, as far as the journal still has it. */
  async #again(channel: MessageChannel, { stream, next }: StreamPosition): Promise<void> {
    try {
      const found = await this.#options.journal.history.find(toHex(stream), next)
      if (found !== undefined) {
        await this.#queue.reopen({ segment: found.segment, offset: found.entry.offset }, { stream, number: next - 1 })
      }
    } catch (error) {
      return this.#fault('the journal', error)
    }
    if (channel !== this.#channel) return
    this.#blocked = false
    this.#pump()
  }
}
