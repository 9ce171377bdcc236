// Running a bridge
export { createBridge } from './create.ts'
export type { BridgeParts } from './create.ts'
export type { Bridge, BridgeStats } from './bridge.ts'
export { bridgeHealth } from './health.ts'
export type { BridgeHealth } from './health.ts'
export type { SiteStats } from './site/session-options.ts'
export type { LinkCounters } from './link/end.ts'
export type { BridgeEvent, Level, Report } from './events.ts'

// Configuration
export { loadConfig, located, parseConfig } from './config/load.ts'
export type { ConfigProblem, LoadedConfig } from './config/load.ts'
export { configSchema } from './config/schema.ts'
export type {
  AcceptConfig,
  BridgeConfig,
  FieldConfig,
  FieldLinkConfig,
  GroupConfig,
  HeadEndConfig,
  HeadEndLinkConfig,
  HealthConfig,
  JournalConfig,
  LimitsConfig,
  LinkConfig,
  PeerConfig,
  PolicyConfig,
  SigningConfig,
  SigningKeyConfig,
  SiteConfig,
  TrustConfig,
} from './config/model.ts'
export { parseDuration, parseSize } from './config/units.ts'

// Update keys of DNP3's secure authentication
export { readUpdateKeyFile } from './update-keys/key-file.ts'
export type { UpdateKeyFile } from './update-keys/key-file.ts'
export type { FieldUpdateKey, HeadEndUpdateKey, OutstationKeyChange } from './update-keys/config.ts'

// Keys that sign batches
export { openKey } from './signing/open-key.ts'
export type { OpenKey } from './signing/open-key.ts'

// Who is who
export { readIdentity } from './identity/own-identity.ts'
export type { BridgeIdentity, IdentityConfig } from './identity/own-identity.ts'
export { CertifiedPeer, readPeer } from './identity/certified-peer.ts'
export type { KnownPeer } from './identity/certified-peer.ts'

// Protocols
export { adapterFor, adapters } from './protocols.ts'
export { linkReadings } from './readings.ts'
export { rawAdapter } from './raw-adapter.ts'
export { carriedDatagrams } from './link/datagram-reader.ts'

// Time
export { wallClock } from './clock.ts'
