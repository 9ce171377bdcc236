import { UsageError } from '@gridseal/wire'
import type { AlgorithmName, KemAlgorithm, SignatureAlgorithm } from '../algorithms/info.ts'
import { algorithmInfo } from '../algorithms/lookup.ts'
import { needLength } from '../check.ts'
import { EncapsulationKey } from '../kem/encapsulation-key.ts'
import type { ProviderOptions } from '../providers/chosen.ts'
import { VerifyingKey } from './verifying-key.ts'

const PREFIX = 24

/**
 * Imported public keys of many devices, the least recently used forgotten first: importing costs as much as verifying,
 * and ten million imported keys do not fit into memory. Found by their bytes, which cost nothing to compare.
 */
export class PublicKeyCache {
  readonly counters = { hits: 0, misses: 0, evictions: 0 }
  readonly #capacity: number
  readonly #options: ProviderOptions
  /** In the order of use, by the first bytes of the key: those of all our algorithms are random. */
  readonly #entries = new Map<string, VerifyingKey | EncapsulationKey>()

  /** Throws `UsageError` `pqc.argument.range` unless `capacity` is 1 to 2^20. An ML-DSA-65 key takes about 25 kB. */
  constructor(capacity: number, options: ProviderOptions = {}) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > 2 ** 20) {
      throw new UsageError('pqc.argument.range', 'capacity must be 1 to 1048576')
    }
    this.#capacity = capacity
    this.#options = options
  }

  get size(): number {
    return this.#entries.size
  }

  /** The key of these bytes. Throws as `VerifyingKey.fromRaw`. */
  verifyingKey(algorithm: SignatureAlgorithm, raw: Uint8Array): VerifyingKey {
    const key = this.#find(algorithm, raw)
    return key instanceof VerifyingKey
      ? key
      : this.#insert(algorithm, raw, VerifyingKey.fromRaw(algorithm, raw, this.#options))
  }

  /** The key of these bytes. Throws as `EncapsulationKey.fromRaw`. */
  encapsulationKey(algorithm: KemAlgorithm, raw: Uint8Array): EncapsulationKey {
    const key = this.#find(algorithm, raw)
    return key instanceof EncapsulationKey
      ? key
      : this.#insert(algorithm, raw, EncapsulationKey.fromRaw(algorithm, raw, this.#options))
  }

  clear(): void {
    this.#entries.clear()
  }

  #find(algorithm: AlgorithmName, raw: Uint8Array): VerifyingKey | EncapsulationKey | undefined {
    needLength(raw, algorithmInfo(algorithm).publicKeyLength, 'pqc.key.length', 'public key')
    const name = nameOf(algorithm, raw)
    const key = this.#entries.get(name)
    if (key === undefined || Buffer.compare(key.raw, raw) !== 0) return undefined
    this.counters.hits++
    this.#entries.delete(name)
    this.#entries.set(name, key)
    return key
  }

  #insert<K extends VerifyingKey | EncapsulationKey>(algorithm: AlgorithmName, raw: Uint8Array, key: K): K {
    this.counters.misses++
    const name = nameOf(algorithm, raw)
    this.#entries.delete(name)
    this.#entries.set(name, key)
    if (this.#entries.size > this.#capacity) {
      const [oldest] = this.#entries.keys()
      this.#entries.delete(oldest!)
      this.counters.evictions++
    }
    return key
  }
}

/** Whoever makes keys with equal beginnings only evicts himself: the bytes are compared as a whole. */
function nameOf(algorithm: AlgorithmName, raw: Uint8Array): string {
  return algorithm + Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('latin1', 0, PREFIX)
}
