import type { ProtocolAdapter, ProtocolId } from '@gridseal/adapter'
import { dnp3Adapter } from '@gridseal/dnp3'
import { iec61850Adapters } from '@gridseal/iec61850'
import { modbusAdapter } from '@gridseal/modbus'
import { InternalError } from '@gridseal/wire'
import { rawAdapter } from './raw-adapter.ts'

const ADAPTERS: readonly ProtocolAdapter[] = [modbusAdapter, dnp3Adapter, ...iec61850Adapters, rawAdapter]

/** Protocols that links can carry. */
export const PROTOCOLS: readonly ['modbus', 'dnp3', 'goose', 'sv', 'raw'] = ['modbus', 'dnp3', 'goose', 'sv', 'raw']

/** Every protocol that has an adapter, `raw` last. */
export function adapters(): readonly ProtocolAdapter[] {
  return ADAPTERS
}

/** Throws `InternalError` for a protocol that the configuration should have refused. */
export function adapterFor(protocol: ProtocolId): ProtocolAdapter {
  const adapter = ADAPTERS.find((candidate) => candidate.protocol === protocol)
  if (adapter === undefined) throw new InternalError('bridge.protocol', `no adapter for ${protocol}`)
  return adapter
}
