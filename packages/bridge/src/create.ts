import type { OpenEthernet } from '@gridseal/transport'
import { openEthernet } from '@gridseal/transport'
import type { Bridge } from './bridge.ts'
import type { BridgeConfig } from './config/model.ts'
import type { Report } from './events.ts'
import { FieldBridge } from './field-bridge.ts'
import { HeadEndBridge } from './head-end-bridge.ts'
import { EventCounts } from './metrics/event-counts.ts'
import { WatchedBridge } from './watched-bridge.ts'

/** What a bridge is given in the place of this machine's. */
export interface BridgeParts {
  /** Opens raw Ethernet; a `MemoryEthernet` where there is none. */
  readonly openEthernet?: OpenEthernet
}

/** A bridge of the role that the configuration names, not started yet. Throws `UsageError`. */
export async function createBridge(config: BridgeConfig, report: Report, parts: BridgeParts = {}): Promise<Bridge> {
  const open = parts.openEthernet ?? openEthernet
  if (config.health === undefined) return create(config, report, open)
  const events = new EventCounts()
  return new WatchedBridge(await create(config, events.counting(report), open), config.health.listen, events)
}

function create(config: BridgeConfig, report: Report, open: OpenEthernet): Promise<Bridge> {
  return config.role === 'field' ? FieldBridge.create(config, report, open) : HeadEndBridge.create(config, report, open)
}
