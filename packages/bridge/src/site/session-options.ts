import type { Direction } from '@gridseal/adapter'
import type { Journal } from '@gridseal/envelope'
import type { VerifyingKey } from '@gridseal/pqc'
import type { AcceptConfig, LimitsConfig, StoreConfig } from '../config/model.ts'
import type { Report } from '../events.ts'
import type { LinkCounters, LinkEnd } from '../link/end.ts'
import type { BatchKeys } from '../signing/batch-keys.ts'
import type { SiteLink } from './delivery.ts'
import type { IncomingStats } from './incoming.ts'
import type { OutgoingStats } from './outgoing.ts'
import type { RealtimeStats, SiteGroup } from './realtime.ts'
import type { ChannelService } from './service.ts'
import type { StoredStats } from './stored.ts'

export interface SiteSessionOptions {
  readonly site: string
  /** Direction of the frames that this bridge takes in locally. */
  readonly inbound: Direction
  /** What signs our batches. */
  readonly keys: BatchKeys
  /** The pinned identity of the far side; undefined: certificates will show it. */
  readonly peer: VerifyingKey | undefined
  /** What its batches must be, the keys of `accept.signers`, and the receipts of changes of keys that are known. */
  readonly accept: AcceptConfig
  readonly listed: readonly VerifyingKey[]
  readonly receipts: readonly Uint8Array[]
  readonly journal: Journal | undefined
  readonly links: readonly SiteLink[]
  /** Ends of multicast groups; each has its group below. */
  readonly groupEnds: readonly LinkEnd[]
  readonly groups: readonly SiteGroup[]
  readonly limits: LimitsConfig
  readonly store: StoreConfig
  /** Milliseconds that mirrored connections outlive the channel. */
  readonly holdConnections: number
  /** What else is told over the channel. */
  readonly service?: ChannelService | undefined
  readonly now: () => bigint
  readonly report: Report
  /** Something broke that this bridge cannot do without, such as its journal; it carries nothing from then on. */
  readonly onFault: (error: unknown) => void
}

export interface SiteStats {
  readonly site: string
  readonly channel: 'up' | 'down'
  /** Times that a channel came up. */
  readonly channels: number
  readonly links: Readonly<Record<string, LinkCounters>>
  readonly outgoing: OutgoingStats
  readonly incoming: IncomingStats
  /** Multicast groups, by link. */
  readonly groups: Readonly<Record<string, RealtimeStats>>
  /** Traffic that is kept until it is delivered. */
  readonly stored: StoredStats | undefined
  /** From a frame's arrival at the far bridge to its delivery here, for the oldest frame of each recent batch. */
  readonly latencyMs: { readonly p50: number | null; readonly p99: number | null }
}
