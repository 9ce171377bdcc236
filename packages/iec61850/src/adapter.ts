import type { ProtocolAdapter } from '@gridseal/adapter'
import { gooseAdapter } from './adapter/goose.ts'
import { svAdapter } from './adapter/sv.ts'

export { gooseAdapter, svAdapter }

/** All of this package, for the bridge. */
export const iec61850Adapters: readonly ProtocolAdapter[] = [gooseAdapter, svAdapter]
