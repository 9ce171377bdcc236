import type { Bridge } from './bridge.ts'
import type { BridgeConfig } from './config/model.ts'
import type { Report } from './events.ts'
import { FieldBridge } from './field-bridge.ts'
import { HeadEndBridge } from './head-end-bridge.ts'

/** A bridge of the role that the configuration names, not started yet. Throws `UsageError`. */
export function createBridge(config: BridgeConfig, report: Report): Promise<Bridge> {
  return config.role === 'field' ? FieldBridge.create(config, report) : HeadEndBridge.create(config, report)
}
