import type { MessageChannel } from '@gridseal/channel'
import type { BatchSigner, Entry, SealedBatch, SequencedEntry, StreamClass } from '@gridseal/envelope'
import { STREAM_CLASSES } from '@gridseal/envelope'
import { opposite } from '@gridseal/adapter'
import type { Level } from '../events.ts'
import type { StoreConfig } from '../config/model.ts'
import type { StreamPosition } from './control.ts'
import { PORT_BATCH } from './control.ts'
import type { SiteSessionOptions } from './session-options.ts'
import type { IncomingOptions, IncomingStats } from './incoming.ts'
import { StoredIncoming } from './stored-incoming.ts'
import type { StoredOutgoingStats } from './stored-outgoing.ts'
import { StoredOutgoing } from './stored-outgoing.ts'

/** Classes that are kept, the most urgent first. */
export type StoredClass = Exclude<StreamClass, 'live'>

/** Share of the backlog that a class may fill: what is left over is for the more urgent ones. */
const SHARES: Readonly<Record<StoredClass, number>> = { urgent: 1, normal: 0.9, bulk: 0.75 }

export interface StoredStats {
  readonly outgoing: Readonly<Partial<Record<StoredClass, StoredOutgoingStats>>>
  readonly incoming: Readonly<Partial<Record<StoredClass, IncomingStats & { readonly backlog: number }>>>
}

export interface StoredHooks {
  readonly deliver: (entry: SequencedEntry) => boolean
  readonly waiting: IncomingOptions['onWaiting']
  readonly acknowledge: (stream: Uint8Array, number: number) => void
  readonly pause: (storedClass: StoredClass, paused: boolean) => void
  readonly rotated: (batch: SealedBatch) => void
  readonly signers: IncomingOptions['signers']
  readonly fault: (what: string, error: unknown) => void
  readonly say: (level: Level, code: string, what: string, details?: Record<string, unknown>) => void
}

/** The kept traffic of a site: one stream for each class, leaving at the field bridge, arriving at the head-end. */
export class StoredTraffic {
  readonly #store: StoreConfig
  readonly #hooks: StoredHooks
  readonly #outgoing = new Map<StoredClass, StoredOutgoing>()
  readonly #incoming = new Map<StoredClass, StoredIncoming>()
  readonly #full = new Set<StoredClass>()

  private constructor(store: StoreConfig, hooks: StoredHooks) {
    this.#store = store
    this.#hooks = hooks
  }

  /** Takes up what the journal has kept. A site without a journal keeps nothing. */
  static async open(
    options: SiteSessionOptions,
    classes: ReadonlySet<StoredClass>,
    hooks: StoredHooks,
  ): Promise<StoredTraffic> {
    const { journal, site, inbound, keys, accept, limits, now, store } = options
    const traffic = new StoredTraffic(store, hooks)
    if (journal === undefined) return traffic
    const { batchEntries: maxEntries, batchBytes: maxBytes, batchDelay: maxDelay, unacknowledged: window } = limits
    for (const streamClass of STREAM_CLASSES) {
      if (streamClass === 'live') continue
      // A class that no link uses any more may have left something to deliver.
      const lane = { site, direction: inbound, class: streamClass }
      if (classes.has(streamClass) || (inbound === 'to-master' && journal.history.latest(lane) !== undefined)) {
        const out = await StoredOutgoing.open({
          key: keys.first,
          lane,
          journal,
          window,
          now,
          say: hooks.say,
          limits: { maxEntries, maxBytes, maxDelay },
          // The sealer may have caught up, and there is still no room.
          onPause: (paused) => hooks.pause(streamClass, paused || traffic.#isStopped(streamClass)),
          onRotated: hooks.rotated,
          onFault: hooks.fault,
        })
        out.rotate(keys.current)
        traffic.#outgoing.set(streamClass, out)
      }
      if (inbound === 'to-master') continue
      const incoming = await StoredIncoming.open({
        signers: hooks.signers,
        algorithms: accept.algorithms,
        now,
        journal,
        deliver: hooks.deliver,
        onWaiting: hooks.waiting,
        onSafe: hooks.acknowledge,
        onFault: hooks.fault,
        lane: { site, direction: opposite(inbound), class: streamClass },
      })
      traffic.#incoming.set(streamClass, incoming)
    }
    return traffic
  }

  get stats(): StoredStats {
    return {
      outgoing: Object.fromEntries([...this.#outgoing].map(([name, out]) => [name, out.stats])),
      incoming: Object.fromEntries(
        [...this.#incoming].map(([name, incoming]) => [name, { ...incoming.stats, backlog: incoming.backlog }]),
      ),
    }
  }

  /** What this side has of the streams that arrive, for the hello. */
  get positions(): (StreamPosition & { readonly class: StreamClass })[] {
    return [...this.#incoming].flatMap(([name, incoming]) => {
      const { position } = incoming
      return position === undefined ? [] : [{ class: name, ...position }]
    })
  }

  start(): void {
    for (const incoming of this.#incoming.values()) incoming.start()
  }

  /** Keeps entries, unless too much waits already. */
  add(storedClass: StoredClass, entries: readonly Entry[]): void {
    const out = this.#outgoing.get(storedClass)
    if (out === undefined) return
    const { maxBacklog, whenFull } = this.#store
    const waiting = [...this.#outgoing.values()].reduce((sum, { stats }) => sum + stats.backlogBytes, 0)
    const full = waiting >= maxBacklog * SHARES[storedClass]
    if (full !== this.#full.has(storedClass)) this.#fullness(storedClass, full, waiting)
    if (full && whenFull === 'drop') out.drop(entries)
    else out.add(entries)
  }

  attach(channel: MessageChannel, positions: readonly (StreamPosition & { readonly class: StreamClass })[]): void {
    for (const [name, out] of this.#outgoing) {
      out.attach(
        channel,
        positions.find((position) => position.class === name),
      )
    }
  }

  /** Another key is to sign. */
  rotate(key: BatchSigner): void {
    for (const out of this.#outgoing.values()) out.rotate(key)
  }

  /** The peer lacks what was sent of a class. */
  again(streamClass: StreamClass, position: StreamPosition | undefined): void {
    if (streamClass !== 'live') this.#outgoing.get(streamClass)?.again(position)
  }

  detach(): void {
    for (const out of this.#outgoing.values()) out.detach()
  }

  acknowledge(stream: Uint8Array, number: number): void {
    for (const out of this.#outgoing.values()) out.acknowledge(stream, number)
    this.#relief()
  }

  /** The stream that arrives on a port of the channel, if there is one. */
  byPort(port: number): StoredIncoming | undefined {
    const streamClass = STREAM_CLASSES[port - PORT_BATCH]
    return streamClass === undefined || streamClass === 'live' ? undefined : this.#incoming.get(streamClass)
  }

  byClass(streamClass: StreamClass): StoredIncoming | undefined {
    return streamClass === 'live' ? undefined : this.#incoming.get(streamClass)
  }

  async settled(): Promise<void> {
    await Promise.all([...this.#incoming.values()].map((incoming) => incoming.settled()))
  }

  async close(): Promise<void> {
    for (const incoming of this.#incoming.values()) incoming.close()
    await Promise.all([...this.#outgoing.values()].map((out) => out.close()))
  }

  #isStopped(storedClass: StoredClass): boolean {
    return this.#store.whenFull === 'stop' && this.#full.has(storedClass)
  }

  #fullness(storedClass: StoredClass, full: boolean, waiting: number): void {
    const { say, pause } = this.#hooks
    const stop = this.#store.whenFull === 'stop'
    if (full) this.#full.add(storedClass)
    else this.#full.delete(storedClass)
    if (stop) pause(storedClass, full)
    const what = full
      ? `${waiting} bytes wait for the head-end: ${storedClass} traffic ${stop ? 'is stopped' : 'is dropped and counted'}`
      : `${storedClass} traffic is kept again`
    say(full ? 'error' : 'info', full ? 'store.full' : 'store.room', what, { class: storedClass, waiting })
  }

  /** Links that were stopped bring nothing that would find out that there is room again. */
  #relief(): void {
    if (this.#full.size === 0 || this.#store.whenFull !== 'stop') return
    const waiting = [...this.#outgoing.values()].reduce((sum, { stats }) => sum + stats.backlogBytes, 0)
    for (const storedClass of this.#full) {
      if (waiting < this.#store.maxBacklog * SHARES[storedClass] * 0.9) this.#fullness(storedClass, false, waiting)
    }
  }
}
