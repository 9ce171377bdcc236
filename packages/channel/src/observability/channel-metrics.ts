import type { GridsealError } from '@gridseal/wire'
import { newCounters } from '../counters.ts'
import type { ChannelCounters, MutableCounters } from '../counters.ts'
import type { Role } from '../handshake/key-schedule.ts'
import type { ChannelEnd } from '../messages.ts'
import type { ChannelPool } from '../pool/channel-pool.ts'
import type { ChannelGuard } from '../protection/guard.ts'
import { COUNTER_METRICS, GUARD_METRICS, POOL_METRICS, SESSION_METRICS } from './metric-table.ts'
import type { MetricRow } from './metric-table.ts'

/** One value of a metric. `suffix` is `_bucket`, `_sum` or `_count` in histograms, elsewhere empty. */
export interface MetricSample {
  readonly suffix: '' | '_bucket' | '_sum' | '_count'
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A metric with its values at this moment. */
export interface MetricFamily extends MetricRow {
  readonly samples: readonly MetricSample[]
}

/** Upper bounds of handshake times, s: from a fast link to a serial line. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

interface Histogram {
  /** Of each bucket alone; the last is beyond all bounds. */
  readonly counts: number[]
  sum: number
}

/**
 * What channels, guards and pools count, under names that do not change, for a registry to expose. One for as many as
 * share it.
 *
 * @example
 * const metrics = new ChannelMetrics()
 * await acceptChannel(connection, { identity, peers, metrics })
 * response.end(metrics.toPrometheus())
 */
export class ChannelMetrics {
  readonly #open = new Set<ChannelCounters>()
  /** Of channels that have ended. */
  readonly #past: MutableCounters = newCounters()
  readonly #guards = new Set<ChannelGuard>()
  readonly #pools = new Set<ChannelPool>()
  readonly #opened = new LabelledCounts(['role', 'resumed'])
  readonly #ended = new LabelledCounts(['kind'])
  readonly #faults = new LabelledCounts(['code'])
  readonly #failed = new LabelledCounts(['role', 'code'])
  readonly #seconds = new Map<Role, Histogram>()

  /** Has the counters of a guard among the metrics. */
  watchGuard(guard: ChannelGuard): this {
    this.#guards.add(guard)
    return this
  }

  /** Has the statistics of a pool among the metrics. */
  watchPool(pool: ChannelPool): this {
    this.#pools.add(pool)
    return this
  }

  /** A handshake has come to its end, after `milliseconds`. */
  established(role: Role, resumed: boolean, milliseconds: number): void {
    this.#opened.add(role, String(resumed))
    const seconds = milliseconds / 1000
    const histogram = this.#seconds.get(role) ?? { counts: BUCKETS.map(() => 0).concat(0), sum: 0 }
    const at = BUCKETS.findIndex((bound) => seconds <= bound)
    histogram.counts[at < 0 ? BUCKETS.length : at]!++
    histogram.sum += seconds
    this.#seconds.set(role, histogram)
  }

  failed(role: Role, error: GridsealError): void {
    this.#failed.add(role, error.code)
  }

  /** A channel is open; its counters are read until {@link ended}. */
  began(counters: ChannelCounters): void {
    this.#open.add(counters)
  }

  ended(counters: ChannelCounters, { kind, error }: ChannelEnd): void {
    if (!this.#open.delete(counters)) return
    for (const name of NAMES) this.#past[name] += counters[name]
    this.#ended.add(kind)
    if (kind === 'error') this.#faults.add(error?.code ?? 'channel.internal')
  }

  /** Every metric with its values. */
  collect(): readonly MetricFamily[] {
    const { active, opened, ended, faults, handshakesFailed, handshakeSeconds } = SESSION_METRICS
    const plain = (value: number): readonly MetricSample[] => [{ suffix: '', labels: {}, value }]
    const sums = <Key extends string>(
      table: Readonly<Record<Key, MetricRow>>,
      all: Iterable<Readonly<Record<Key, number>>>,
    ): MetricFamily[] => {
      const sources = [...all]
      return (Object.keys(table) as Key[]).map((key) => {
        return { ...table[key], samples: plain(sources.reduce((sum, source) => sum + source[key], 0)) }
      })
    }
    return [
      { ...active, samples: plain(this.#open.size) },
      { ...opened, samples: this.#opened.samples },
      { ...ended, samples: this.#ended.samples },
      { ...faults, samples: this.#faults.samples },
      { ...handshakesFailed, samples: this.#failed.samples },
      { ...handshakeSeconds, samples: [...this.#seconds].flatMap(([role, row]) => histogramSamples(role, row)) },
      ...sums(COUNTER_METRICS, [this.#past, ...this.#open]),
      ...(this.#guards.size > 0
        ? sums(
            GUARD_METRICS,
            [...this.#guards].map(({ counters }) => counters),
          )
        : []),
      ...(this.#pools.size > 0
        ? sums(
            POOL_METRICS,
            [...this.#pools].map(({ stats }) => stats),
          )
        : []),
    ]
  }

  /** {@link collect} in the Prometheus text format, version 0.0.4. */
  toPrometheus(): string {
    const lines: string[] = []
    for (const { name, type, help, samples } of this.collect()) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
      for (const { suffix, labels, value } of samples) {
        const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`)
        lines.push(`${name}${suffix}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`)
      }
    }
    return `${lines.join('\n')}\n`
  }
}

const NAMES = Object.keys(newCounters()) as (keyof ChannelCounters)[]

/** Counts by labels. Labels are roles, kinds and error codes of ours, so there are not many. */
class LabelledCounts {
  readonly #names: readonly string[]
  readonly #rows = new Map<string, { readonly labels: Readonly<Record<string, string>>; count: number }>()

  constructor(names: readonly string[]) {
    this.#names = names
  }

  add(...values: readonly string[]): void {
    const key = values.join('\0')
    let row = this.#rows.get(key)
    if (row === undefined) {
      const labels = Object.fromEntries(this.#names.map((name, index) => [name, values[index] ?? '']))
      this.#rows.set(key, (row = { labels, count: 0 }))
    }
    row.count++
  }

  get samples(): MetricSample[] {
    return [...this.#rows.values()].map(({ labels, count }) => ({ suffix: '', labels, value: count }))
  }
}

/** Buckets of a histogram add up: each has all that is below its bound. */
function histogramSamples(role: Role, { counts, sum }: Histogram): MetricSample[] {
  let below = 0
  const buckets = counts.map((count, index): MetricSample => {
    below += count
    const le = index < BUCKETS.length ? String(BUCKETS[index]) : '+Inf'
    return { suffix: '_bucket', labels: { role, le }, value: below }
  })
  return [
    ...buckets,
    { suffix: '_sum', labels: { role }, value: sum },
    { suffix: '_count', labels: { role }, value: below },
  ]
}
