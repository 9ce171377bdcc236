import type { BridgeStats } from '../bridge.ts'
import type { BridgeHealth } from '../health.ts'
import type { LinkCounters } from '../link/end.ts'
import type { IncomingStats } from '../site/incoming.ts'
import type { RealtimeStats } from '../site/realtime.ts'
import type { SiteStats } from '../site/session-options.ts'
import type { StoredOutgoingStats } from '../site/stored-outgoing.ts'
import type { EventCount } from './event-counts.ts'

/** What metrics are read from, at the moment of a scrape. */
export interface Scraped {
  readonly stats: BridgeStats
  readonly status: BridgeHealth['status']
  readonly events: readonly EventCount[]
}

type Labels = Readonly<Record<string, string>>

/** One value of a metric. */
export interface Sample {
  readonly labels: Labels
  readonly value: number
}

/** A metric: its fixed name, what it means, and where it is read. */
export interface BridgeMetric {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  readonly labels: readonly string[]
  readonly read: (scraped: Scraped) => readonly Sample[]
}

type Row = readonly [type: BridgeMetric['type'], name: string, help: string]

/** A metric of the bridge as a whole, whose samples may have labels. */
export function ofBridge([type, name, help]: Row, labels: readonly string[], read: BridgeMetric['read']): BridgeMetric {
  return { name: `gridseal_bridge_${name}`, type, help, labels, read }
}

/** One value of the journal, if there is one. */
export function ofJournal(row: Row, read: (journal: NonNullable<BridgeStats['journal']>) => number): BridgeMetric {
  return ofBridge(row, [], ({ stats: { journal } }) =>
    journal === undefined ? [] : [{ labels: {}, value: read(journal) }],
  )
}

/** One value of each site, or none. */
export function ofSite(row: Row, read: (site: SiteStats) => number | null): BridgeMetric {
  return ofSites(row, [], (site) => {
    const value = read(site)
    return value === null ? [] : [{ labels: {}, value }]
  })
}

function ofSites(row: Row, labels: readonly string[], read: (site: SiteStats) => readonly Sample[]): BridgeMetric {
  return ofBridge(row, ['site', ...labels], ({ stats }) =>
    stats.sites.flatMap((site) =>
      read(site).map(({ labels: more, value }) => ({ labels: { site: site.site, ...more }, value })),
    ),
  )
}

/** A stream that leaves a site, live or kept. */
export interface LeavingStream {
  readonly batches: number
  readonly entries: number
  readonly bytes: number
}

/** One value of each stream that leaves, or none. */
export function ofLeaving(row: Row, read: (stream: LeavingStream) => number | null): BridgeMetric {
  return ofStreams(row, read, ({ outgoing, stored }) => {
    const kept = Object.entries(stored?.outgoing ?? {}).map(([name, { batches, sealed, bytes }]) => {
      return [name, { batches, entries: sealed, bytes }] as const
    })
    return { live: outgoing, ...Object.fromEntries(kept) }
  })
}

/** One value of each stream that arrives. */
export function ofArriving(row: Row, read: (stream: IncomingStats) => number): BridgeMetric {
  return ofStreams(row, read, ({ incoming, stored }) => ({ live: incoming, ...stored?.incoming }))
}

/** One value of each class of kept traffic that leaves. */
export function ofKept(row: Row, read: (stream: StoredOutgoingStats) => number): BridgeMetric {
  return ofStreams(row, read, ({ stored }) => stored?.outgoing ?? {})
}

/** One value of each class of kept traffic that arrives. */
export function ofKeptHere(row: Row, read: (stream: { readonly backlog: number }) => number): BridgeMetric {
  return ofStreams(row, read, ({ stored }) => stored?.incoming ?? {})
}

function ofStreams<Stream>(
  row: Row,
  read: (stream: Stream) => number | null,
  streamsOf: (site: SiteStats) => Readonly<Record<string, Stream>>,
): BridgeMetric {
  return ofSites(row, ['stream'], (site) =>
    Object.entries(streamsOf(site)).flatMap(([stream, stats]) => {
      const value = read(stats)
      return value === null ? [] : [{ labels: { stream }, value }]
    }),
  )
}

/** One value of each link, or with `label` one for each of its members. */
export function ofLink(row: Row, read: Values<LinkCounters>, label?: string): BridgeMetric {
  return ofNamed(row, ({ links }) => links, read, label)
}

/** The same of each link that is a multicast group. */
export function ofGroup(row: Row, read: Values<RealtimeStats>, label?: string): BridgeMetric {
  return ofNamed(row, ({ groups }) => groups, read, label)
}

/** The same of each network of a group that the head-end has itself. */
export function ofNetwork(row: Row, read: Values<LinkCounters>, label: string): BridgeMetric {
  return ofBridge(row, ['group', label], ({ stats }) =>
    Object.entries(stats.groups).flatMap(([group, counters]) => samplesOf({ group }, read(counters), label)),
  )
}

type Values<Counters> = (counters: Counters) => number | Readonly<Record<string, number>>

function ofNamed<Counters>(
  row: Row,
  countersOf: (site: SiteStats) => Readonly<Record<string, Counters>>,
  read: Values<Counters>,
  label: string | undefined,
): BridgeMetric {
  return ofSites(row, label === undefined ? ['link'] : ['link', label], (site) =>
    Object.entries(countersOf(site)).flatMap(([link, counters]) => samplesOf({ link }, read(counters), label)),
  )
}

function samplesOf(
  labels: Labels,
  values: number | Readonly<Record<string, number>>,
  label: string | undefined,
): Sample[] {
  if (typeof values === 'number') return [{ labels, value: values }]
  return Object.entries(values).map(([name, value]) => ({ labels: { ...labels, [label ?? '']: name }, value }))
}
