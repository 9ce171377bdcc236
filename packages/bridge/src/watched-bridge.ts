import type { ChannelMetrics } from '@gridseal/channel'
import type { Bridge, BridgeStats } from './bridge.ts'
import type { BridgeConfig } from './config/model.ts'
import type { BridgeHealth } from './health.ts'
import { bridgeHealth } from './health.ts'
import { HealthServer } from './health-server.ts'
import type { EventCounts } from './metrics/event-counts.ts'
import type { Scrape } from './metrics/scrape.ts'

/** A bridge that tells how it is while it runs. */
export class WatchedBridge implements Bridge {
  readonly role: Bridge['role']
  readonly failed: Promise<unknown>
  readonly #bridge: Bridge
  readonly #events: EventCounts
  readonly #server: HealthServer
  #scrape: Scrape | undefined
  #broken = false

  /** `events`: what the bridge has reported so far. */
  constructor(bridge: Bridge, listen: string, events: EventCounts) {
    this.role = bridge.role
    this.failed = bridge.failed
    this.#bridge = bridge
    this.#events = events
    this.#server = new HealthServer(listen, { health: () => this.#health, metrics: () => this.#metrics() })
    void bridge.failed.then(() => {
      this.#broken = true
    })
  }

  get #health(): BridgeHealth {
    return bridgeHealth(this.#bridge, this.#broken)
  }

  get stats(): BridgeStats {
    const { stats } = this.#bridge
    const { url } = this.#server
    if (url === undefined) return stats
    return { ...stats, listening: { ...stats.listening, health: `${url}/health`, metrics: `${url}/metrics` } }
  }

  get channelMetrics(): ChannelMetrics {
    return this.#bridge.channelMetrics
  }

  async start(): Promise<void> {
    await this.#server.start()
    try {
      await this.#bridge.start()
    } catch (error) {
      await this.#server.stop()
      throw error
    }
  }

  reload(config: BridgeConfig): Promise<void> {
    return this.#bridge.reload(config)
  }

  async stop(): Promise<void> {
    await this.#bridge.stop()
    await this.#server.stop()
  }

  /** The library is loaded when somebody asks: most commands of the suite never do. */
  async #metrics(): Promise<{ readonly contentType: string; readonly text: string }> {
    const { Scrape } = await import('./metrics/scrape.ts')
    this.#scrape ??= new Scrape(this.channelMetrics, () => {
      return { stats: this.#bridge.stats, status: this.#health.status, events: this.#events.counts }
    })
    return { contentType: this.#scrape.contentType, text: await this.#scrape.text() }
  }
}
