import type { MessageChannel } from '@gridseal/channel'
import type { BatchSigner, Entry, LogPosition, SealedBatch, SealerLimits, StreamDirection } from '@gridseal/envelope'
import { Sealer, encodeCheckpoint } from '@gridseal/envelope'
import type { StreamPosition } from './control.ts'
import { PORT_BATCH, PORT_CONTROL, encodeControl } from './control.ts'
import { Rotation } from './rotation.ts'

export interface OutgoingOptions {
  readonly key: BatchSigner
  readonly site: string
  readonly direction: StreamDirection
  readonly limits: Partial<SealerLimits>
  /** Bytes of batches not acknowledged, or not in the own journal, above which sealing pauses. */
  readonly window: number
  readonly now: () => bigint
  /** Puts a batch into the journal; resolves when it is safe there. */
  readonly keep: ((batch: SealedBatch) => Promise<unknown>) | undefined
  /** The journal holds the log up to so many leaves. */
  readonly onKept: (stream: Uint8Array, treeSize: number) => void
  /** A batch ends with a change of keys. */
  readonly onRotated: (batch: SealedBatch) => void
  /** Whether the links must stop reading. */
  readonly onPause: (paused: boolean) => void
  /** Sealing or the journal failed: nothing more may be carried. */
  readonly onFault: (what: string, error: unknown) => void
}

const A_DAY = 86_400_000_000_000n

export interface OutgoingStats {
  batches: number
  entries: number
  bytes: number
  logs: number
  /** Batches sent again after a reconnect. */
  resent: number
  /** Batches given up: their masters had gone, or the peer had restarted. Commands are not repeated to a device. */
  abandoned: number
  /** Batches and bytes that the peer has not acknowledged yet. */
  unacknowledged: number
  unacknowledgedBytes: number
  /** Entries not sealed yet. */
  pending: number
}

/**
 * One stream that leaves this bridge: seals entries, sends the batches, keeps them until the peer has them in its
 * journal, and sends again what a broken channel may have lost. Sealing pauses while the window is full, the own
 * journal lags or the channel is congested, and the links behind it stop reading: memory stays bounded. Nothing is
 * sealed before the first peer has told which logs it knows.
 */
export class OutgoingStream {
  readonly #options: OutgoingOptions
  readonly #sealer: Sealer
  readonly #rotation: Rotation
  #unacked: SealedBatch[] = []
  #unackedBytes = 0
  #unkeptBytes = 0
  /** Index into the unacknowledged batches of the next one to send on this channel. */
  #unsent = 0
  #resent = 0
  #abandoned = 0
  #channel: MessageChannel | undefined
  #congested = false
  #greeted = false
  #held = true
  #dead = false
  /** How far the journal has come. */
  #kept: { readonly stream: Uint8Array; readonly treeSize: number } | undefined
  /** What the peer's opener expects, as far as this side knows; undefined = it knows no log. */
  #peerAt: { readonly stream: Uint8Array; readonly next: number } | undefined

  constructor(options: OutgoingOptions) {
    this.#options = options
    this.#sealer = new Sealer({
      key: options.key,
      site: options.site,
      direction: options.direction,
      limits: options.limits,
      now: options.now,
      onBatch: (batch) => this.#sealed(batch),
      onRelief: () => options.onPause(false),
      onError: (error) => this.#fault('sealing', error),
    })
    this.#rotation = new Rotation(this.#sealer)
    this.#sealer.hold()
  }

  get stats(): OutgoingStats {
    const { batches, entries, bytes, logs } = this.#sealer.stats
    return {
      batches,
      entries,
      bytes,
      logs,
      resent: this.#resent,
      abandoned: this.#abandoned,
      unacknowledged: this.#unacked.length,
      unacknowledgedBytes: this.#unackedBytes,
      pending: this.#sealer.pending,
    }
  }

  /** The first log is joined to the one that the journal ends with. */
  recover(position: LogPosition): void {
    this.#sealer.continueFrom(position, position.created)
    this.#kept = position
  }

  add(entries: readonly Entry[]): void {
    if (!this.#dead && !this.#sealer.add(entries)) this.#options.onPause(true)
  }

  /** Another key is to sign; the one before signs the change. */
  rotate(key: BatchSigner): void {
    if (!this.#dead) this.#rotation.want(key)
  }

  /** The peer is there and has told where it stands: it gets what it lacks. */
  attach(channel: MessageChannel, position: StreamPosition | undefined): void {
    this.#channel = channel
    this.#congested = false
    this.#greeted = true
    this.#peerAt = position
    if (position !== undefined) {
      // A peer that speaks of the far future must not set the date of our logs.
      if (position.created < this.#options.now() + A_DAY) this.#sealer.datedAfter(position.created)
      this.#dropReceived(position)
    }
    this.#resent += this.#unacked.length
    this.#unsent = 0
    if (this.#kept !== undefined) this.#options.onKept(this.#kept.stream, this.#kept.treeSize)
    channel.drained.subscribe(() => {
      if (channel !== this.#channel) return
      this.#congested = false
      this.#pump()
    })
    this.#pump()
  }

  /** The peer lacks what was sent: it goes again from where the peer stands. */
  again(position: StreamPosition | undefined): void {
    this.#peerAt = position
    if (position !== undefined) this.#dropReceived(position)
    this.#resent += this.#unsent
    this.#unsent = 0
    this.#pump()
  }

  detach(): void {
    this.#channel = undefined
    this.#congested = false
    this.#flow()
  }

  /** Gives up what the peer has not acknowledged, sealed or not, and begins a new log. */
  abandon(reason: string): void {
    this.#abandoned += this.#unacked.length
    this.#drop(this.#unacked.length)
    this.#sealer.abandon(reason)
    this.#flow()
  }

  /** Batches of the log up to `number` are safe at the peer. */
  acknowledge(stream: Uint8Array, number: number): void {
    const index = this.#unacked.findLastIndex((b) => b.number <= number && Buffer.compare(b.stream, stream) === 0)
    this.#drop(index + 1)
    this.#flow()
  }

  /** Resolves when everything is sealed and acknowledged, or after `timeout` ms. */
  async drain(timeout: number): Promise<void> {
    const deadline = Date.now() + timeout
    while (!this.#dead && !(this.#sealer.idle && this.#unacked.length === 0) && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  async close(): Promise<void> {
    await this.#sealer.close()
  }

  #sealed(batch: SealedBatch): void {
    this.#keep(batch)
    this.#unacked.push(batch)
    this.#unackedBytes += batch.bytes.length
    if (batch.successor !== undefined) this.#options.onRotated(batch)
    this.#rotation.next()
    this.#pump()
  }

  #keep(batch: SealedBatch): void {
    const { bytes } = batch
    const { keep } = this.#options
    if (keep === undefined) return
    this.#unkeptBytes += bytes.length
    keep(batch).then(
      () => {
        this.#unkeptBytes -= bytes.length
        this.#kept = batch
        this.#options.onKept(batch.stream, batch.treeSize)
        this.#flow()
      },
      (error: unknown) => this.#fault('the journal', error),
    )
  }

  #fault(what: string, error: unknown): void {
    this.#dead = true
    this.#sealer.hold()
    this.#options.onFault(what, error)
  }

  /** Sends what the channel takes; the rest waits until it has drained. */
  #pump(): void {
    while (this.#channel !== undefined && !this.#congested) {
      const batch = this.#unacked[this.#unsent]
      if (batch === undefined) break
      this.#unsent++
      this.#congested = !this.#send(this.#channel, batch)
    }
    this.#flow()
  }

  #send(channel: MessageChannel, batch: SealedBatch): boolean {
    // A peer that stands elsewhere is told where this batch begins; the signature vouches for what it is told.
    const follows =
      this.#peerAt !== undefined &&
      this.#peerAt.next === batch.number &&
      Buffer.compare(this.#peerAt.stream, batch.stream) === 0
    if (!follows && batch.before !== undefined) {
      channel.send(PORT_CONTROL, encodeControl({ kind: 'position', checkpoint: encodeCheckpoint(batch.before) }))
    }
    this.#peerAt = { stream: batch.stream, next: batch.number + 1 }
    return channel.send(PORT_BATCH, batch.bytes)
  }

  #flow(): void {
    const { window } = this.#options
    const full = this.#unackedBytes >= window || this.#unkeptBytes >= window
    const hold = this.#dead || !this.#greeted || this.#congested || full
    if (hold === this.#held) return
    this.#held = hold
    if (hold) this.#sealer.hold()
    else this.#sealer.release()
  }

  #dropReceived(position: StreamPosition): void {
    const received = this.#unacked.findLastIndex(
      (batch) => batch.number < position.next && Buffer.compare(batch.stream, position.stream) === 0,
    )
    this.#drop(received + 1)
  }

  #drop(count: number): void {
    if (count <= 0) return
    for (const batch of this.#unacked.splice(0, count)) this.#unackedBytes -= batch.bytes.length
    this.#unsent = Math.max(0, this.#unsent - count)
  }
}
