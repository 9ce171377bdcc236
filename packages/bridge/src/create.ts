import type { Bridge } from './bridge.ts'
import type { BridgeConfig } from './config/model.ts'
import type { Report } from './events.ts'
import { FieldBridge } from './field-bridge.ts'
import { HeadEndBridge } from './head-end-bridge.ts'
import { EventCounts } from './metrics/event-counts.ts'
import { WatchedBridge } from './watched-bridge.ts'

/** A bridge of the role that the configuration names, not started yet. Throws `UsageError`. */
export async function createBridge(config: BridgeConfig, report: Report): Promise<Bridge> {
  if (config.health === undefined) return create(config, report)
  const events = new EventCounts()
  return new WatchedBridge(await create(config, events.counting(report)), config.health.listen, events)
}

function create(config: BridgeConfig, report: Report): Promise<Bridge> {
  return config.role === 'field' ? FieldBridge.create(config, report) : HeadEndBridge.create(config, report)
}
