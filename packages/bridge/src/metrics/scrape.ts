import type { ChannelMetrics } from '@gridseal/channel'
import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client'
import type { Scraped } from './metric.ts'
import { BRIDGE_METRICS } from './metric-table.ts'

/** Gauges of the library whose names say that they are counters. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** Metrics of the process are watched once, however many bridges it runs: an observer cannot be taken back. */
let ofProcess: Registry | undefined

function processRegistry(): Registry {
  if (ofProcess !== undefined) return ofProcess
  ofProcess = new Registry()
  collectDefaultMetrics({ register: ofProcess })
  for (const name of MISNAMED) ofProcess.removeSingleMetric(name)
  return ofProcess
}

/** What `GET /metrics` answers: nothing is counted for it, all is read when it is asked for. */
export class Scrape {
  readonly contentType: string = Registry.PROMETHEUS_CONTENT_TYPE
  readonly #registry = new Registry()
  readonly #process = processRegistry()
  readonly #channel: ChannelMetrics
  readonly #read: () => Scraped
  /** Read once for all metrics of a scrape. */
  #scraped: Scraped | undefined
  #running: Promise<string> | undefined

  constructor(channel: ChannelMetrics, read: () => Scraped) {
    this.#channel = channel
    this.#read = read
    for (const row of BRIDGE_METRICS) {
      const { name, help, labels: labelNames } = row
      const samples = (): ReturnType<typeof row.read> => (this.#scraped === undefined ? [] : row.read(this.#scraped))
      const common = { name, help, labelNames, registers: [this.#registry] }
      if (row.type === 'counter') {
        new Counter({
          ...common,
          collect() {
            this.reset()
            // Without labels there is a zero now, which nobody has counted.
            if (labelNames.length === 0) this.remove()
            for (const { labels, value } of samples()) this.inc(labels, value)
          },
        })
      } else {
        new Gauge({
          ...common,
          collect() {
            this.reset()
            if (labelNames.length === 0) this.remove()
            for (const { labels, value } of samples()) this.set(labels, value)
          },
        })
      }
    }
  }

  /** In the Prometheus text format. Those who ask at once get the same. */
  text(): Promise<string> {
    return (this.#running ??= this.#text().finally(() => {
      this.#running = undefined
    }))
  }

  async #text(): Promise<string> {
    this.#scraped = this.#read()
    const parts = [await this.#registry.metrics(), this.#channel.toPrometheus(), await this.#process.metrics()]
    this.#scraped = undefined
    return parts.join('')
  }
}
