import type { OperationKind } from '@gridseal/adapter'
import type { GuardOptions } from '@gridseal/channel'
import type { SignatureAlgorithm } from '@gridseal/pqc'
import type { FieldUpdateKey, HeadEndUpdateKey } from '../update-keys/config.ts'

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
  readonly protocol: 'modbus' | 'dnp3' | 'goose' | 'sv' | 'raw'
  /** The protocol's framing where it has several; undefined: its first. */
  readonly framing?: string | undefined
  /** Carry frames whose check sum is wrong, too. */
  readonly keepInvalid: boolean
  readonly policy?: PolicyConfig | undefined
  /** Bytes under way on one connection before its sender is paused. */
  readonly window: number
  /** Serial lines: silence that ends a frame. */
  readonly silence: number
  /** File that names the points of readings. */
  readonly points?: string | undefined
}

export interface FieldLinkConfig extends LinkConfig {
  /** The device: tcp, udp or serial; for goose and sv the interface, `eth://eth1`. */
  readonly device: string
  /** A frame to the device that is older than this is not delivered and its connection is reset. */
  readonly maxAge: number
  /**
   * One-way and unsolicited traffic of a UDP or serial device is kept in the journal until the head-end has it, also
   * over long outages and restarts; the most urgent class goes first. Undefined: live only.
   */
  readonly store?: 'urgent' | 'normal' | 'bulk' | undefined
  /** UDP multicast, Ethernet: the head-end's group of this name, whose keys protect each datagram or frame. */
  readonly group?: string | undefined
  /** UDP multicast: address of the interface; undefined: the system's choice. */
  readonly interface?: string | undefined
  /** Ethernet: destinations that are carried, either way; undefined: every group address. */
  readonly destinations?: readonly string[] | undefined
  /** Ethernet: APPIDs that are carried, either way; undefined: all. */
  readonly appIds?: readonly number[] | undefined
  /** UDP: where the device's datagrams come in; undefined: a port that the system picks. */
  readonly bind?: string | undefined
  /** DNP3: users whose update keys are agreed on with the head-end. */
  readonly updateKeys?: readonly FieldUpdateKey[] | undefined
}

export interface HeadEndLinkConfig extends LinkConfig {
  /** Where masters come in: tcp and udp listen, serial opens the port. */
  readonly master: string
  /**
   * Addresses that may connect (CIDR). Undefined: TCP all; UDP `peer`'s host alone or, without one, the host that speaks first,
   * until it was silent for a minute.
   */
  readonly allow?: readonly string[] | undefined
  /**
   * What masters get while the device is out of reach: their connections are closed, or their requests are answered as
   * the protocol has it (Modbus: exceptions 0x0A and 0x0B).
   */
  readonly away: 'close' | 'answer'
  /** UDP: most datagrams a second of what was kept while the channel was away. */
  readonly pace: number
  /** UDP: the master. It gets what devices send before it has spoken; without `allow` no other host is heard. */
  readonly peer?: string | undefined
  /** DNP3: users whose update keys are agreed on with the field bridge. */
  readonly updateKeys?: readonly HeadEndUpdateKey[] | undefined
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

export interface HealthConfig {
  /** Where `GET /health` and `GET /metrics` are answered, without authentication: a loopback or management address. */
  readonly listen: string
}

/** A key in a PKCS#11 token. */
export interface TokenKeyConfig {
  readonly library: string
  readonly label: string
  /** File with the PIN. */
  readonly pin: string
  readonly name: string
  /** Folder of wrapped seeds, for keys that the token itself cannot hold. */
  readonly folder: string
}

/** A window of time, ms since 1970-01-01 UTC. */
export interface WindowConfig {
  readonly from?: number | undefined
  readonly until?: number | undefined
}

/** Either a file or a token. */
export interface SigningKeyConfig extends WindowConfig {
  readonly file?: string | undefined
  readonly token?: TokenKeyConfig | undefined
}

/** What signs batches instead of the identity: of the keys whose window is open, the one that opened last. */
export interface SigningConfig {
  readonly keys: readonly SigningKeyConfig[]
}

/** What batches of the peer must be. */
export interface AcceptConfig {
  /** Public key files that may sign beside the pinned identity. */
  readonly signers: readonly (WindowConfig & { readonly file: string })[]
  /** Keys that a trusted one has signed for: all, or only those listed. */
  readonly successors: 'signed' | 'listed'
  /** How long a key that has signed for its successor may still begin logs. */
  readonly overlap: number
  readonly algorithms?: readonly SignatureAlgorithm[] | undefined
  /** How far ahead of our clock the peer's may be; undefined: not looked at. */
  readonly clockSkew?: number | undefined
  /** How old live traffic may be; undefined: no limit. */
  readonly maxAge?: number | undefined
}

/** Whom to believe by certificates. */
export interface TrustConfig {
  /** Files of the certificates of those who vouch. */
  readonly ca: readonly string[]
  /** A DNS name, IP address or URI that the peer's certificate must name. */
  readonly name: string
  /** Files of revocation lists. */
  readonly crl: readonly string[]
  /** Whether every certificate must be covered by a current list. */
  readonly requireRevocation: boolean
  /** After how long the certificates behind an open channel are judged again, ms. */
  readonly recheck: number
}

/** Who the far bridge is: one of the two. */
export interface PeerConfig {
  /** File of its public key. */
  readonly peer?: string | undefined
  readonly trust?: TrustConfig | undefined
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

export interface FieldChannelConfig extends ChannelConfig, PeerConfig {
  /** One URL, or several that are paths of one channel. */
  readonly connect: readonly string[]
  readonly accept: AcceptConfig
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
  /** File of its certificates, its own first; undefined: peers have its key pinned. */
  readonly certificate?: string | undefined
  /** Undefined: the identity signs. */
  readonly signing?: SigningConfig | undefined
  readonly channel: FieldChannelConfig
  readonly journal?: JournalConfig | undefined
  readonly health?: HealthConfig | undefined
  readonly store: StoreConfig
  readonly limits: LimitsConfig
  readonly links: readonly FieldLinkConfig[]
}

/** A group of real-time multicast whose keys the head-end owns. */
export interface GroupConfig {
  readonly name: string
  readonly protocol: LinkConfig['protocol']
  /** The protocol's framing where it has several; undefined: its first. */
  readonly framing?: string | undefined
  /** The head-end's own network, `udp://239.1.2.3:5000` or `eth://eth1`; undefined: it only passes on. */
  readonly address?: string | undefined
  /** UDP: address of the interface; undefined: the system's choice. */
  readonly interface?: string | undefined
  /** Ethernet: destinations that are carried, either way; undefined: every group address. */
  readonly destinations?: readonly string[] | undefined
  /** Ethernet: APPIDs that are carried, either way; undefined: all. */
  readonly appIds?: readonly number[] | undefined
  /** Sites that are members, and which of their links is this group. */
  readonly members: readonly { readonly site: string; readonly link: string }[]
  /** How long an epoch lasts, and for how long its key is still taken after the next has begun. */
  readonly lifetime: number
  readonly overlap: number
  /** How old, or ahead of our clock, a message may be. */
  readonly maxAge: number
}

export interface SiteConfig extends PeerConfig {
  readonly site: string
  readonly accept: AcceptConfig
  readonly links: readonly HeadEndLinkConfig[]
}

export interface HeadEndConfig {
  readonly role: 'head-end'
  readonly identity: string
  readonly certificate?: string | undefined
  readonly signing?: SigningConfig | undefined
  readonly channel: HeadEndChannelConfig
  readonly journal?: JournalConfig | undefined
  readonly health?: HealthConfig | undefined
  readonly limits: LimitsConfig
  readonly sites: readonly SiteConfig[]
  readonly groups: readonly GroupConfig[]
}

export type BridgeConfig = FieldConfig | HeadEndConfig
