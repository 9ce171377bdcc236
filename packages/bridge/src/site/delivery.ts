import type { Direction } from '@gridseal/adapter'
import { opposite } from '@gridseal/adapter'
import type { Entry, OpenedBatch, SequencedEntry, Withheld } from '@gridseal/envelope'
import { performance } from 'node:perf_hooks'
import { monotonic } from '../clock.ts'
import type { Level } from '../events.ts'
import type { LinkEnd } from '../link/end.ts'
import type { Policy } from '../policy.ts'
import { LatencyWindow } from './latency.ts'
import type { PeerClock } from './peer-clock.ts'
import type { RealtimeTraffic } from './realtime.ts'
import type { StoredClass } from './stored.ts'

/** A link of a site and what holds for frames that leave it on this side. */
export interface SiteLink {
  readonly end: LinkEnd
  /** For frames from the far side. */
  readonly policy: Policy | undefined
  /** Milliseconds; a frame from the far side that is older is not delivered. */
  readonly maxAge: number
  /** The class in which what comes in locally is kept; undefined: it is carried live. */
  readonly store?: StoredClass | undefined
}

export interface DeliveryOptions {
  readonly links: readonly SiteLink[]
  /** Direction of the frames that this bridge takes in locally. */
  readonly inbound: Direction
  readonly realtime: RealtimeTraffic
  readonly clock: PeerClock
  /** Milliseconds that kept traffic may be ahead of our clock before it is spoken of; undefined: no limit. */
  readonly clockSkew: number | undefined
  readonly now: () => bigint
  /** Back to the far side. */
  readonly answer: (entry: Entry) => void
  readonly say: (level: Level, code: string, what: string, details?: Record<string, unknown>) => void
}

/** Clock differences up to this count as none when latency is shown. */
const SAME_CLOCK_MS = 100

/** Gives what comes from the far side to the links, if it is young enough and policy lets it. */
export class Delivery {
  readonly #options: DeliveryOptions
  readonly #links: ReadonlyMap<string, SiteLink>
  readonly #latency = new LatencyWindow()
  #saidAhead = false

  constructor(options: DeliveryOptions) {
    this.#options = options
    this.#links = new Map(options.links.map((link) => [link.end.id, link]))
  }

  get latencyMs(): { readonly p50: number | null; readonly p99: number | null } {
    return { p50: this.#latency.quantile(0.5), p99: this.#latency.quantile(0.99) }
  }

  end(link: string): LinkEnd | undefined {
    return this.#links.get(link)?.end
  }

  /** A new channel is up. */
  begin(): void {
    this.#saidAhead = false
  }

  /** A batch of live traffic. */
  live(batch: OpenedBatch): void {
    if (batch.withheld !== undefined) this.#withhold(batch.withheld)
    for (const entry of batch.entries) this.#deliver(entry)
    const oldest = batch.entries[0]
    if (oldest === undefined) return
    const { clock, now } = this.#options
    this.#latency.add(clock.likelyAgeMs(oldest.time, monotonic(), now(), SAME_CLOCK_MS))
  }

  /** Kept traffic has come: it is delivered whatever its age; that its clock is ahead is said once a channel. */
  kept({ entries }: OpenedBatch): void {
    const { clockSkew, now, say } = this.#options
    const time = entries[0]?.time
    if (clockSkew === undefined || time === undefined || this.#saidAhead) return
    if (time <= now() + BigInt(Math.round(clockSkew * 1e6))) return
    this.#saidAhead = true
    say('warn', 'envelope.future', "the peer's clock is ahead of ours: kept traffic is dated in the future")
  }

  /** Delivers an entry of kept traffic, unless its link has no room for it now. */
  offer(entry: SequencedEntry): boolean {
    const link = this.#links.get(entry.link)
    if (link === undefined || entry.kind === 'event') return true
    const verdict = link.policy?.(entry.bytes, opposite(this.#options.inbound)) ?? 'pass'
    if (verdict === 'pass') return link.end.offer(entry)
    link.end.counters.denied++
    this.#refused(entry, 'policy.denied', 'policy holds back a frame')
    return true
  }

  #deliver(entry: SequencedEntry): void {
    const { clock, inbound, realtime } = this.#options
    if (realtime.signed(entry)) return
    const link = this.#links.get(entry.link)
    if (link === undefined) return this.#unknownLink(entry)
    if (entry.kind === 'event') return link.end.deliver(entry)
    const left =
      link.maxAge === Number.POSITIVE_INFINITY ? link.maxAge : link.maxAge - clock.maxAgeMs(entry.time, monotonic())
    if (left < 0) {
      link.end.counters.stale++
      this.#refused(entry, 'link.stale', 'a frame came too late')
      return link.end.refuse(entry, true)
    }
    const verdict = link.policy?.(entry.bytes, opposite(inbound)) ?? 'pass'
    if (verdict === 'pass') return link.end.deliver(entry, performance.now() + left)
    link.end.counters.denied++
    this.#refused(entry, 'policy.denied', 'policy holds back a frame')
    link.end.refuse(entry, verdict === 'close')
  }

  /** Traffic whose times are wrong is evidence, no more; its connections cannot go on with a hole in them. */
  #withhold({ code, message, entries }: Withheld): void {
    const { say, realtime } = this.#options
    say('warn', code, `${entries.length} entries are not delivered: ${message}`, { entries: entries.length })
    for (const entry of entries) {
      if (realtime.signed(entry)) continue
      const link = this.#links.get(entry.link)
      if (link === undefined || (entry.kind === 'event' && entry.event === 'opened')) this.#leadsNowhere(entry, message)
      else if (entry.kind === 'event') link.end.deliver(entry)
      else {
        link.end.counters.stale++
        link.end.refuse(entry, true)
      }
    }
  }

  /** The two configurations disagree: the far side's connection is told that it leads nowhere. */
  #unknownLink(entry: SequencedEntry): void {
    this.#refused(entry, 'bridge.link', 'there is no such link on this side')
    this.#leadsNowhere(entry, 'no such link')
  }

  #leadsNowhere(entry: SequencedEntry, detail: string): void {
    if (entry.kind !== 'event' || entry.event !== 'opened') return
    const { link, connection } = entry
    const { inbound, now, answer } = this.#options
    answer({ kind: 'event', link, connection, direction: inbound, time: now(), event: 'failed', detail })
  }

  #refused(entry: SequencedEntry, code: string, what: string): void {
    const { link, connection, direction, sequence } = entry
    this.#options.say('warn', code, `${link}: ${what}`, { link, connection, direction, sequence })
  }
}
