import type { Bridge, BridgeStats } from './bridge.ts'
import type { BridgeConfig } from './config/model.ts'
import { bridgeHealth } from './health.ts'
import { HealthServer } from './health-server.ts'

/** A bridge that tells how it is while it runs. */
export class WatchedBridge implements Bridge {
  readonly role: Bridge['role']
  readonly failed: Promise<unknown>
  readonly #bridge: Bridge
  readonly #server: HealthServer
  #broken = false

  constructor(bridge: Bridge, listen: string) {
    this.role = bridge.role
    this.failed = bridge.failed
    this.#bridge = bridge
    this.#server = new HealthServer(listen, () => bridgeHealth(bridge, this.#broken))
    void bridge.failed.then(() => {
      this.#broken = true
    })
  }

  get stats(): BridgeStats {
    const { stats } = this.#bridge
    const { url } = this.#server
    return url === undefined ? stats : { ...stats, listening: { ...stats.listening, health: url } }
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
}
