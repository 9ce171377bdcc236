import { UsageError } from '@gridseal/wire'
import type { AlgorithmName, KemAlgorithm, SignatureAlgorithm } from '../algorithms/info.ts'
import { algorithmInfo } from '../algorithms/lookup.ts'
import { needLength } from '../check.ts'
import { EncapsulationKey } from '../kem/encapsulation-key.ts'
import type { ProviderOptions } from '../providers/chosen.ts'
import { VerifyingKey } from './verifying-key.ts'

/** A key in the list of use, the least recently used first. */
interface Entry {
  readonly algorithm: AlgorithmName
  readonly hint: number
  readonly key: VerifyingKey | EncapsulationKey
  older: Entry | undefined
  newer: Entry | undefined
}

/**
 * Imported public keys of many devices, the least recently used forgotten first: importing costs as much as verifying,
 * and ten million imported keys do not fit into memory. Found by their bytes, which cost little to compare.
 */
export class PublicKeyCache {
  readonly counters = { hits: 0, misses: 0, evictions: 0 }
  readonly #capacity: number
  readonly #options: ProviderOptions
  readonly #entries = new Map<AlgorithmName, Map<number, Entry>>()
  #oldest: Entry | undefined
  #newest: Entry | undefined
  #size = 0

  /** Throws `UsageError` `pqc.argument.range` unless `capacity` is 1 to 2^20. An ML-DSA-65 key takes about 25 kB. */
  constructor(capacity: number, options: ProviderOptions = {}) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > 2 ** 20) {
      throw new UsageError('pqc.argument.range', 'capacity must be 1 to 1048576')
    }
    this.#capacity = capacity
    this.#options = options
  }

  get size(): number {
    return this.#size
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
    this.#oldest = this.#newest = undefined
    this.#size = 0
  }

  #find(algorithm: AlgorithmName, raw: Uint8Array): VerifyingKey | EncapsulationKey | undefined {
    needLength(raw, algorithmInfo(algorithm).publicKeyLength, 'pqc.key.length', 'public key')
    const entry = this.#entries.get(algorithm)?.get(hintOf(raw))
    // Whoever makes keys with equal hints only evicts himself: the bytes are compared as a whole.
    if (entry === undefined || Buffer.compare(entry.key.raw, raw) !== 0) return undefined
    this.counters.hits++
    if (entry !== this.#newest) {
      this.#unlink(entry)
      this.#append(entry)
    }
    return entry.key
  }

  #insert<K extends VerifyingKey | EncapsulationKey>(algorithm: AlgorithmName, raw: Uint8Array, key: K): K {
    this.counters.misses++
    let keys = this.#entries.get(algorithm)
    if (keys === undefined) this.#entries.set(algorithm, (keys = new Map()))
    const hint = hintOf(raw)
    const same = keys.get(hint)
    if (same !== undefined) this.#remove(same)
    const entry: Entry = { algorithm, hint, key, older: undefined, newer: undefined }
    keys.set(hint, entry)
    this.#append(entry)
    this.#size++
    if (this.#size > this.#capacity) {
      this.#remove(this.#oldest!)
      this.counters.evictions++
    }
    return key
  }

  #remove(entry: Entry): void {
    this.#entries.get(entry.algorithm)!.delete(entry.hint)
    this.#unlink(entry)
    this.#size--
  }

  #append(entry: Entry): void {
    entry.older = this.#newest
    entry.newer = undefined
    if (this.#newest === undefined) this.#oldest = entry
    else this.#newest.newer = entry
    this.#newest = entry
  }

  #unlink({ older, newer }: Entry): void {
    if (older === undefined) this.#oldest = newer
    else older.newer = newer
    if (newer === undefined) this.#newest = older
    else newer.older = older
  }
}

/** 48 bits of the key, past the header of a point: those of all our algorithms are random there. */
function hintOf(raw: Uint8Array): number {
  const low = raw[1]! | (raw[2]! << 8) | (raw[3]! << 16)
  return low + (raw[4]! | (raw[5]! << 8) | (raw[6]! << 16)) * 0x100_0000
}
