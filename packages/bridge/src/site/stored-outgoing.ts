import type { MessageChannel } from '@gridseal/channel'
import type { BatchSigner, Entry, Journal, Lane, QueuedBatch, SealedBatch, SealerLimits } from '@gridseal/envelope'
import { JournalQueue, STREAM_CLASSES, Sealer, encodeCheckpoint, peekBatch } from '@gridseal/envelope'
import { toHex } from '@gridseal/wire'
import type { Level } from '../events.ts'
import type { StreamPosition } from './control.ts'
import { PORT_BATCH, PORT_CONTROL, encodeControl } from './control.ts'
import { Rotation } from './rotation.ts'
import { SealedAgain } from './sealed-again.ts'

export interface StoredOutgoingOptions {
  readonly key: BatchSigner
  readonly lane: Lane
  readonly journal: Journal
  readonly limits: Partial<SealerLimits>
  /** Bytes of batches under way, or not in the journal yet. */
  readonly window: number
  readonly now: () => bigint
  /** A batch ends with a change of keys. */
  readonly onRotated: (batch: SealedBatch) => void
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
  /** Batches sealed, each with one signature, their entries and bytes; what is sealed again counts again. */
  batches: number
  sealed: number
  bytes: number
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
  readonly #rotation: Rotation
  #queue!: JournalQueue
  readonly #port: number
  #channel: MessageChannel | undefined
  #congested = false
  #unkept = 0
  #held = false
  #dead = false
  /** What has come is sealed whatever the disk does: there is nothing to wait for any more. */
  #closing = false
  #entries = 0
  #dropped = 0
  #sent = 0
  #underWay: { readonly stream: Uint8Array; readonly number: number; readonly bytes: number }[] = []
  #underWayBytes = 0
  /** A batch waits to be told where its log stood, or for what is sealed again. */
  #blocked = false
  #onceSafe: (() => void) | undefined
  /** When the latest log began that the journal held when it was opened. */
  #created = 0n
  /** The peer takes no log that began before this and is not known to it: entries of such logs are sealed again. */
  #oldest: bigint | undefined
  readonly #resealed = new SealedAgain((stream, number) => this.#queue.settle(stream, number))
  /** When logs began, by their ids in hex. */
  readonly #began = new Map<string, bigint>()
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
    this.#rotation = new Rotation(this.#sealer)
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
    const { backlog } = this.#queue
    const { batches, entries: sealed, bytes } = this.#sealer.stats
    return {
      entries: this.#entries,
      dropped: this.#dropped,
      batches,
      sealed,
      bytes,
      sent: this.#sent,
      backlog: backlog.batches,
      backlogBytes: backlog.bytes + this.#sealer.pendingBytes,
    }
  }

  add(entries: readonly Entry[]): void {
    if (this.#dead) return
    this.#entries += entries.length
    this.#seal(entries)
  }

  #seal(entries: readonly Entry[]): void {
    this.#resealed.given(entries.length)
    if (!this.#sealer.add(entries)) this.#options.onPause(true)
  }

  /** Entries that come while too much waits already. */
  drop(entries: readonly Entry[]): void {
    this.#entries += entries.length
    this.#dropped += entries.length
  }

  /** Another key is to sign; the one before signs the change. */
  rotate(key: BatchSigner): void {
    if (!this.#dead) this.#rotation.want(key)
  }

  /** The peer is there and has told where it stands: it gets what it lacks. */
  attach(channel: MessageChannel, position: StreamPosition | undefined): void {
    this.#channel = channel
    channel.drained.subscribe(() => {
      if (channel !== this.#channel) return
      this.#congested = false
      this.#pump()
    })
    this.#begin(channel, position)
  }

  /** The peer lacks what was sent: it goes again from where the peer stands. */
  again(position: StreamPosition | undefined): void {
    if (this.#channel !== undefined) this.#begin(this.#channel, position)
  }

  #begin(channel: MessageChannel, position: StreamPosition | undefined): void {
    this.#congested = false
    this.#blocked = true
    this.#underWay = []
    this.#underWayBytes = 0
    this.#peerAt = position
    this.#resealed.rewind()
    this.#onceSafe = undefined
    const forgot = this.#compare(position)
    this.#queue.rewind(position)
    this.#blocked = forgot !== undefined
    if (forgot !== undefined) {
      void this.#again(channel, forgot)
    }
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
    this.#closing = true
    if (!this.#dead) this.#sealer.release()
    await this.#sealer.close()
    this.#queue.end()
  }

  #sealed(batch: SealedBatch): void {
    const { length } = batch.bytes
    if (batch.successor !== undefined) this.#options.onRotated(batch)
    this.#rotation.next()
    this.#unkept += length
    this.#hold(this.#unkept >= this.#options.window)
    this.#queue.push(batch.bytes, batch.stream, batch.number, batch.before).then(
      () => {
        this.#unkept -= length
        this.#hold(this.#unkept >= this.#options.window)
        if (this.#resealed.kept(batch.entries)) this.#settledAgain()
      },
      (error: unknown) => this.#fault('the journal', error),
    )
  }

  #hold(hold: boolean): void {
    if (hold === this.#held || this.#closing) return
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
      !this.#resealed.full &&
      this.#underWayBytes < this.#options.window
    ) {
      const batch = this.#queue.next()
      if (batch === undefined) return
      this.#send(this.#channel, batch)
    }
  }

  #send(channel: MessageChannel, batch: QueuedBatch): void {
    const { stream, number, bytes, origin } = batch
    const began = this.#oldest === undefined ? 0n : this.#beginning(batch)
    if (began === undefined) return this.#locate(channel, batch)
    if (this.#oldest !== undefined && began <= this.#oldest)
      return this.#resealed.take(batch, (entries) => this.#seal(entries))
    // What the peer says it has of this log would vouch for all before it: that must be safe first.
    if (!this.#resealed.done) return this.#wait(channel, batch)
    const at = this.#peerAt
    const follows = number === 0 || (at?.next === number && Buffer.compare(at.stream, stream) === 0)
    if (!follows && origin === undefined) return this.#locate(channel, batch)
    if (!follows && origin !== undefined) {
      channel.send(PORT_CONTROL, encodeControl({ kind: 'position', checkpoint: encodeCheckpoint(origin) }))
    }
    this.#peerAt = { stream, next: number + 1 }
    this.#underWay.push({ stream, number, bytes: bytes.length })
    this.#underWayBytes += bytes.length
    this.#sent++
    this.#congested = !channel.send(this.#port, bytes)
  }

  /** When the log of a batch began, if that is at hand. */
  #beginning({ stream, number, bytes, origin }: QueuedBatch): bigint | undefined {
    const id = toHex(stream)
    const began = origin?.created ?? (number === 0 ? peekBatch(bytes).log?.created : this.#began.get(id))
    if (began !== undefined) this.#began.set(id, began)
    return began
  }

  /** Looks up where the log of a batch stood before it, then sends it. */
  #locate(channel: MessageChannel, batch: QueuedBatch): void {
    this.#blocked = true
    this.#options.journal.history.origin(toHex(batch.stream), batch.number).then(
      (found) => {
        if (channel !== this.#channel) return
        this.#blocked = false
        if (found === undefined)
          this.#options.say('error', 'store.lost', `the journal does not tell where batch ${batch.number} begins`)
        else this.#send(channel, { ...batch, origin: found })
        this.#pump()
      },
      (error: unknown) => this.#fault('the journal', error),
    )
  }

  #wait(channel: MessageChannel, batch: QueuedBatch): void {
    this.#blocked = true
    this.#onceSafe = () => {
      this.#onceSafe = undefined
      if (channel !== this.#channel) return
      this.#blocked = false
      this.#send(channel, batch)
      this.#pump()
    }
  }

  #settledAgain(): void {
    if (this.#onceSafe === undefined) this.#pump()
    else if (this.#resealed.done) this.#onceSafe()
  }

  /**
   * Two journals that remember different things: one of them has been set back. Returns the position of a peer that has
   * lost what it had acknowledged.
   */
  #compare(position: StreamPosition | undefined): StreamPosition | undefined {
    const { journal, lane, now, say } = this.#options
    const { settled } = this.#queue
    this.#oldest = undefined
    if (position === undefined) {
      if (settled !== undefined)
        say('warn', 'peer.set-back', `the peer has nothing of the ${lane.class} stream any more`)
      return undefined
    }
    const logs = journal.history.segments.flatMap(({ streams }) => streams)
    const known = toHex(position.stream)
    const log = logs.findLast(({ stream }) => stream === known)
    const details = { log: known, next: position.next }
    // A peer that speaks of the far future must not set the date of our logs.
    const plausible = position.created < now() + A_DAY
    if (log === undefined && plausible) this.#oldest = position.created
    if (log === undefined ? position.created > this.#created : position.next > log.last + 1) {
      if (this.#created > 0n || log !== undefined) {
        const what = `the peer has batches of the ${lane.class} stream that this journal lacks: it has been set back`
        say('error', 'journal.set-back', what, details)
      }
      if (!plausible) return undefined
      this.#sealer.datedAfter(position.created)
      if (this.#sealer.created <= position.created) this.#sealer.startLog('restart')
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
