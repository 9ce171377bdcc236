import type { SignatureAlgorithm } from '../algorithms/info.ts'
import type { MessageSigner } from '../keys/message-signer.ts'
import type { SigningKey } from '../keys/signing-key.ts'
import { UsageError } from '@gridseal/wire'

/** Where signature keys live. Whoever signs asks it for a signer by name and never sees a private key. */
export interface KeyStore {
  readonly kind: 'memory' | 'file' | 'pkcs11'
  /** Throws `UsageError` `pqc.key-store.exists`. */
  generate(name: string, algorithm: SignatureAlgorithm): Promise<MessageSigner>
  /** Takes a key that was made elsewhere. Throws `UsageError` `pqc.key-store.exists`, `pqc.key-store.import`. */
  import(name: string, key: SigningKey): Promise<MessageSigner>
  /** Throws `UsageError` `pqc.key-store.unknown`. */
  open(name: string): Promise<MessageSigner>
  list(): Promise<readonly StoredKey[]>
  /** Throws `UsageError` `pqc.key-store.unknown`. */
  remove(name: string): Promise<void>
  /** Whether it answers now; never throws. */
  health(): Promise<StoreHealth>
  close(): Promise<void>
}

export interface StoredKey {
  readonly name: string
  readonly algorithm: SignatureAlgorithm
  /** COSE Key Thumbprint in hex. */
  readonly kid: string
  /** Where the private key is when it is used: `process` for a seed that was unwrapped, `token` for one that cannot leave. */
  readonly place: 'process' | 'token'
}

export interface StoreHealth {
  readonly ok: boolean
  readonly detail: string
  /** How often a lost token was found again. */
  readonly reconnects: number
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** Names are file names and labels in tokens. Throws `UsageError` `pqc.key-store.name`. */
export function needName(name: string): void {
  if (typeof name === 'string' && NAME.test(name)) return
  throw new UsageError('pqc.key-store.name', `"${name}" is not a key name: letters, digits, ".", "_", "-", up to 64`)
}

export function unknownKey(name: string): UsageError {
  return new UsageError('pqc.key-store.unknown', `there is no key "${name}"`, { name })
}

export function keyExists(name: string): UsageError {
  return new UsageError('pqc.key-store.exists', `there is a key "${name}" already`, { name })
}
