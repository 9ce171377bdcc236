import type { Bridge } from './bridge.ts'
import type { BridgeConfig } from './config/model.ts'
import type { Report } from './events.ts'
import { FieldBridge } from './field-bridge.ts'
import { HeadEndBridge } from './head-end-bridge.ts'
import { WatchedBridge } from './watched-bridge.ts'

/** A bridge of the role that the configuration names, not started yet. Throws `UsageError`. */
export async function createBridge(config: BridgeConfig, report: Report): Promise<Bridge> {
  const bridge = await (config.role === 'field'
    ? FieldBridge.create(config, report)
    : HeadEndBridge.create(config, report))
  return config.health === undefined ? bridge : new WatchedBridge(bridge, config.health.listen)
}
