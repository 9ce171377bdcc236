import { toHex } from '@gridseal/wire'
import type { SignatureAlgorithm } from '../algorithms/info.ts'
import type { MessageSigner } from '../keys/message-signer.ts'
import { SigningKey } from '../keys/signing-key.ts'
import { keyExists, needName, unknownKey } from './key-store.ts'
import type { KeyStore, StoreHealth, StoredKey } from './key-store.ts'

/** Keys that end with the process: for tests, and for stations that enrol at every start. */
export class MemoryKeyStore implements KeyStore {
  readonly kind = 'memory'
  readonly #keys = new Map<string, SigningKey>()

  async generate(name: string, algorithm: SignatureAlgorithm): Promise<MessageSigner> {
    return this.import(name, SigningKey.generate(algorithm))
  }

  async import(name: string, key: SigningKey): Promise<MessageSigner> {
    needName(name)
    if (this.#keys.has(name)) throw keyExists(name)
    this.#keys.set(name, key)
    return key
  }

  async open(name: string): Promise<MessageSigner> {
    const key = this.#keys.get(name)
    if (key === undefined) throw unknownKey(name)
    return key
  }

  async list(): Promise<readonly StoredKey[]> {
    return [...this.#keys].map(([name, { algorithm, publicKey }]) => ({
      name,
      algorithm,
      kid: toHex(publicKey.fingerprint),
      place: 'process' as const,
    }))
  }

  async remove(name: string): Promise<void> {
    const key = this.#keys.get(name)
    if (key === undefined) throw unknownKey(name)
    key.destroy()
    this.#keys.delete(name)
  }

  async health(): Promise<StoreHealth> {
    return { ok: true, detail: `${this.#keys.size} keys in memory`, reconnects: 0 }
  }

  async close(): Promise<void> {
    for (const key of this.#keys.values()) key.destroy()
    this.#keys.clear()
  }
}
