import { cryptoStatus } from '@gridseal/pqc'
import type { CryptoStatus } from '@gridseal/pqc'
import type { Bridge } from './bridge.ts'

/** How a bridge is, for supervisors and operators: what `GET /health` answers. */
export interface BridgeHealth {
  /**
   * - `ok`: everything works.
   * - `degraded`: it runs, but a channel is down, or the core has withdrawn what failed its self-test.
   * - `failed`: it carries nothing any more, because it broke or because the core has stopped.
   */
  readonly status: 'ok' | 'degraded' | 'failed'
  readonly role: Bridge['role']
  readonly sites: readonly { readonly site: string; readonly channel: 'up' | 'down' }[]
  /** FIPS mode and whether it held, policy, providers, self-tests. */
  readonly crypto: CryptoStatus
}

/** `broken`: {@link Bridge.failed} has resolved. */
export function bridgeHealth(bridge: Bridge, broken: boolean, crypto: CryptoStatus = cryptoStatus()): BridgeHealth {
  const { role, sites } = bridge.stats
  const down = sites.some(({ channel }) => channel === 'down')
  const status = broken || crypto.state === 'error' ? 'failed' : down || crypto.state === 'degraded' ? 'degraded' : 'ok'
  return { status, role, sites: sites.map(({ site, channel }) => ({ site, channel })), crypto }
}
