import type { ChannelMetrics } from '@gridseal/channel'
import type { JournalStats } from '@gridseal/envelope'
import type { SignatureAlgorithm } from '@gridseal/pqc'
import type { BridgeConfig } from './config/model.ts'
import type { LinkCounters } from './link/end.ts'
import type { SiteStats } from './site/session-options.ts'

/** A running bridge of either role. */
export interface Bridge {
  readonly role: 'field' | 'head-end'
  /** Opens listeners, lines and journals. Rejects with `UsageError` where one cannot be opened; then nothing runs. */
  start(): Promise<void>
  /** Lets what is under way arrive, then closes everything. */
  stop(): Promise<void>
  /**
   * Takes another configuration while it runs: the keys that sign and those of the far side. Rejects with `UsageError`
   * for keys that cannot be read; then nothing changes. What else differs is reported and waits for a restart.
   */
  reload(config: BridgeConfig): Promise<void>
  /** Resolves with the reason if the bridge breaks for good (its journal, its key): stop it and look after it. */
  readonly failed: Promise<unknown>
  readonly stats: BridgeStats
  /** What its channels and their guard count. */
  readonly channelMetrics: ChannelMetrics
}

export interface BridgeStats {
  readonly role: 'field' | 'head-end'
  /** Of the key that signs batches now, and its fingerprint. */
  readonly algorithm: SignatureAlgorithm
  readonly signer: string
  /** When the certificate of this bridge ends, ms since 1970-01-01 UTC; undefined without one. */
  readonly certificateEnds: number | undefined
  /** Where this bridge can be reached: the channel's listener, the links' listeners by `site/link`. */
  readonly listening: Readonly<Record<string, string>>
  readonly sites: readonly SiteStats[]
  /** The head-end's own networks of groups, by the group's name. */
  readonly groups: Readonly<Record<string, LinkCounters>>
  readonly journal: JournalStats | undefined
}
