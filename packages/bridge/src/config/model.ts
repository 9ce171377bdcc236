import type { OperationKind } from '@gridseal/adapter'
import type { GuardOptions } from '@gridseal/channel'

// What a configuration holds once it is checked and every default is filled in. Durations are milliseconds, sizes bytes.

export interface PolicyConfig {
  /** Kinds of operation that may pass; undefined: all. */
  readonly allow?: readonly OperationKind[] | undefined
  /** Kinds that may not, also if allowed above. */
  readonly deny: readonly OperationKind[]
  /** The protocol's own rules, as its adapter reads them; undefined: none. */
  readonly rules?: readonly unknown[] | undefined
  /** What happens to a frame that may not pass: it is left out, or its connection is closed as well. */
  readonly onDeny: 'drop' | 'close'
}

/** What both ends of a link have. */
export interface LinkConfig {
  /** Unique within the site; both ends use the same. */
  readonly id: string
  readonly protocol: 'modbus' | 'dnp3' | 'raw'
  /** The protocol's framing where it has several; undefined: its first. */
  readonly framing?: string | undefined
  /** Carry frames whose check sum is wrong, too. */
  readonly keepInvalid: boolean
  readonly policy?: PolicyConfig | undefined
  /** Bytes under way on one connection before its sender is paused. */
  readonly window: number
  /** Serial lines: silence that ends a frame. */
  readonly silence: number
}

export interface FieldLinkConfig extends LinkConfig {
  /** The device: tcp, udp or serial. */
  readonly device: string
  /** A frame to the device that is older than this is not delivered and its connection is reset. */
  readonly maxAge: number
  /**
   * One-way and unsolicited traffic of a UDP or serial device is kept in the journal until the head-end has it, also
   * over long outages and restarts; the most urgent class goes first. Undefined: live only.
   */
  readonly store?: 'urgent' | 'normal' | 'bulk' | undefined
  /** UDP: where the device's datagrams come in; undefined: any port. */
  readonly bind?: string | undefined
}

export interface HeadEndLinkConfig extends LinkConfig {
  /** Where masters come in: tcp and udp listen, serial opens the port. */
  readonly master: string
  /** Addresses that may connect (CIDR); undefined: all. */
  readonly allow?: readonly string[] | undefined
  /**
   * What masters get while the device is out of reach: their connections are closed, or their requests are answered as
   * the protocol has it (Modbus: exceptions 0x0A and 0x0B).
   */
  readonly away: 'close' | 'answer'
  /** UDP: most datagrams a second of what was kept while the channel was away. */
  readonly pace: number
  /** UDP: the master that gets what devices send before any master has spoken. */
  readonly peer?: string | undefined
}

export interface JournalConfig {
  readonly directory: string
  /** Wait for the disk before a batch is acknowledged. */
  readonly sync: boolean
  readonly maxSegment: number
  readonly maxSegmentAge: number
  /** Segments that are older are removed; undefined: never. What is not acknowledged stays. */
  readonly keep?: number | undefined
  /** Oldest segments are removed above this; undefined: never. What is not acknowledged stays. */
  readonly maxSize?: number | undefined
  /** File of the key that encrypts the journal at rest; undefined: not encrypted. */
  readonly key?: string | undefined
  /** File, on another disk, that remembers how far the journal had come: a restored older copy is noticed. */
  readonly anchor?: string | undefined
}

export interface StoreConfig {
  /** Bytes that may wait for the head-end. The less urgent classes may take less of it: normal 90 %, bulk 75 %. */
  readonly maxBacklog: number
  /** What happens beyond: `drop` what comes and count it, or `stop` reading the devices (datagrams are lost then, too). */
  readonly whenFull: 'drop' | 'stop'
}

export interface LimitsConfig {
  /** Most frames of one batch. */
  readonly batchEntries: number
  /** Frame bytes after which a batch is full. */
  readonly batchBytes: number
  /** How long a frame may wait for company; 0 signs at once. */
  readonly batchDelay: number
  /** Bytes of batches sent and not yet acknowledged before sealing pauses. */
  readonly unacknowledged: number
}

export interface ChannelConfig {
  /** How long mirrored connections outlive the channel. */
  readonly holdConnections: number
  readonly handshakeTimeout: number
  readonly closeTimeout: number
  /** How often fresh keys are agreed on. */
  readonly rekeyInterval: number
  /** udp, serial: silence after which the peer is asked whether it is there, and paths are probed. */
  readonly keepAlive: number
  /** udp, serial: silence after which the channel is over. */
  readonly idleTimeout: number
  /** udp, serial: largest packet; undefined: what suits the link. */
  readonly mtu?: number | undefined
  /** udp: how several paths are used. */
  readonly use: 'failover' | 'redundant'
}

export interface FieldChannelConfig extends ChannelConfig {
  /** One URL, or several that are paths of one channel. */
  readonly connect: readonly string[]
  /** File of the head-end's public key. */
  readonly peer: string
}

export interface HeadEndChannelConfig extends ChannelConfig {
  readonly listen: readonly string[]
  /** Addresses that field bridges may come from (CIDR); undefined: all. */
  readonly allow?: readonly string[] | undefined
  readonly guard: { readonly [K in keyof GuardOptions]: GuardOptions[K] | undefined }
  readonly helloTimeout: number
}

export interface FieldConfig {
  readonly role: 'field'
  readonly site: string
  /** File of this bridge's private key. */
  readonly identity: string
  readonly channel: FieldChannelConfig
  readonly journal?: JournalConfig | undefined
  readonly store: StoreConfig
  readonly limits: LimitsConfig
  readonly links: readonly FieldLinkConfig[]
}

export interface SiteConfig {
  readonly site: string
  /** File of the field bridge's public key. */
  readonly peer: string
  readonly links: readonly HeadEndLinkConfig[]
}

export interface HeadEndConfig {
  readonly role: 'head-end'
  readonly identity: string
  readonly channel: HeadEndChannelConfig
  readonly journal?: JournalConfig | undefined
  readonly limits: LimitsConfig
  readonly sites: readonly SiteConfig[]
}

export type BridgeConfig = FieldConfig | HeadEndConfig
