import { existsSync } from 'node:fs'
import { readFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DecodeError, UsageError, describeError, fromHex, toHex } from '@gridseal/wire'
import type { MlKemAlgorithm, SignatureAlgorithm } from '../algorithms/info.ts'
import { isSignatureAlgorithm } from '../algorithms/lookup.ts'
import { needKnown } from '../check.ts'
import { DecapsulationKey } from '../kem/decapsulation-key.ts'
import type { MessageSigner } from '../keys/message-signer.ts'
import { SigningKey } from '../keys/signing-key.ts'
import { encodeSpki } from '../keys/spki.ts'
import { writeWhole } from '../keys/write-file.ts'
import { sha256 } from '../symmetric/hash.ts'
import { keyExists, needName, unknownKey } from './key-store.ts'
import type { KeyStore, StoreHealth, StoredKey } from './key-store.ts'
import { loadPkcs11 } from './pkcs11-binding.ts'
import type { Pkcs11 } from './pkcs11-binding.ts'
import { ML_KEM_SETS } from './pkcs11-numbers.ts'
import { Token } from './token.ts'
import type { TokenOptions } from './token.ts'
import { generateInToken, listInToken, openInToken, removeFromToken, tokenSupports } from './token-keys.ts'
import { generateKemInToken, kemIsInToken, openKemInToken, removeKemFromToken, tokenHasKem } from './token-kem.ts'
import type { TokenKemKey } from './token-kem.ts'
import { decodeWrappedSeed, encodeWrappedSeed, wrapAad } from './wrapped-seed.ts'
import type { WrappedSeed } from './wrapped-seed.ts'
import { WrappingKey } from './wrapping-key.ts'

export interface Pkcs11KeyStoreOptions extends TokenOptions {
  /** Folder for wrapped seeds: useless without the token, so a backup is a copy of it. */
  readonly folder: string
  /** Label of the wrapping key. Default `gridseal-kek`. */
  readonly wrappingKey?: string
  /** Bound to every wrapped seed: a seed of one purpose does not open for another. Default `signing`. */
  readonly purpose?: string
}

/** Label of the wrapping key where nothing else is said. */
export const WRAPPING_KEY = 'gridseal-kek'

/** What the seed of a KEM key is bound to. */
const KEM_PURPOSE = 'decapsulation'

/**
 * Keys behind a token (PKCS#11). What the token can do itself lives in it: ECDSA P-256, and ML-DSA where it has the
 * mechanisms of PKCS#11 3.2. Of everything else the seed lies in a folder, wrapped by an AES-256 key that cannot leave
 * the token, and is unwrapped into this process when it is opened.
 */
export class Pkcs11KeyStore implements KeyStore {
  readonly kind = 'pkcs11'
  readonly #token: Token
  readonly #folder: string
  readonly #purpose: string
  readonly #label: string
  #wrappingKey: WrappingKey | undefined
  #unwraps = 0

  private constructor(token: Token, options: Pkcs11KeyStoreOptions) {
    this.#token = token
    this.#folder = options.folder
    this.#purpose = options.purpose ?? 'signing'
    this.#label = options.wrappingKey ?? WRAPPING_KEY
  }

  /** Throws `UsageError` `pqc.hsm.missing`, `.library`, `.token`, `pqc.option.unknown` and `AuthError` `pqc.hsm.pin`. */
  static async open(options: Pkcs11KeyStoreOptions, binding?: Pkcs11): Promise<Pkcs11KeyStore> {
    needKnown(options, ['library', 'token', 'pin', 'folder', 'wrappingKey', 'purpose'])
    return new Pkcs11KeyStore(Token.open(binding ?? (await loadPkcs11()), options), options)
  }

  /** How often seeds were unwrapped since the store was opened. */
  get unwraps(): number {
    return this.#unwraps
  }

  async generate(name: string, algorithm: SignatureAlgorithm): Promise<MessageSigner> {
    await this.#mustBeFree(name)
    if (tokenSupports(this.#token.mechanisms(), algorithm)) return generateInToken(this.#token, name, algorithm)
    return this.#store(name, SigningKey.generate(algorithm))
  }

  async import(name: string, key: SigningKey): Promise<MessageSigner> {
    await this.#mustBeFree(name)
    return this.#store(name, key)
  }

  async open(name: string): Promise<MessageSigner> {
    needName(name)
    const inToken = listInToken(this.#token).find((entry) => entry.name === name)
    if (inToken !== undefined) return openInToken(this.#token, name, inToken.algorithm)
    const wrapped = await this.#read(name)
    const signer = this.#unwrap(name, { ...wrapped, purpose: this.#purpose }, (seed) =>
      SigningKey.fromSeed(wrapped.algorithm, seed),
    )
    if (toHex(signer.publicKey.fingerprint) === wrapped.kid) return signer
    throw mismatch()
  }

  async list(): Promise<readonly StoredKey[]> {
    const inToken = listInToken(this.#token).map(({ name, algorithm }): StoredKey => {
      const { publicKey } = openInToken(this.#token, name, algorithm)
      return { name, algorithm, kid: toHex(publicKey.fingerprint), place: 'token' }
    })
    const files = (await readdir(this.#folder)).filter((file) => file.endsWith('.wrapped')).sort()
    const wrapped = await Promise.all(
      files.map(async (file): Promise<StoredKey> => {
        const name = file.slice(0, -'.wrapped'.length)
        const { algorithm, kid } = await this.#read(name)
        return { name, algorithm, kid, place: 'process' }
      }),
    )
    return [...inToken, ...wrapped]
  }

  async remove(name: string): Promise<void> {
    needName(name)
    const inToken = listInToken(this.#token).find((entry) => entry.name === name)
    if (inToken !== undefined) removeFromToken(this.#token, name, inToken.algorithm)
    else if (existsSync(this.#path(name))) await rm(this.#path(name))
    else throw unknownKey(name)
  }

  async health(): Promise<StoreHealth> {
    try {
      const mechanisms = this.#token.mechanisms()
      this.#token.run((pkcs11, session) => pkcs11.C_GenerateRandom(session, Buffer.alloc(16)))
      const pq = tokenSupports(mechanisms, 'ML-DSA-65') ? 'ML-DSA in the token' : 'ML-DSA by wrapped seeds'
      return { ok: true, detail: `${mechanisms.size} mechanisms, ${pq}`, reconnects: this.#token.reconnects }
    } catch (error) {
      return { ok: false, detail: describeError(error), reconnects: this.#token.reconnects }
    }
  }

  async close(): Promise<void> {
    this.#token.close()
  }

  /** Installs a wrapping key that was made outside (escrow, restoration); see `escrow.ts`. */
  installWrappingKey(key: Uint8Array, id: Uint8Array): void {
    this.#wrappingKey = WrappingKey.install(this.#token, this.#label, key, id)
  }

  /** A new ML-KEM key: made in the token where token and binding can, else a wrapped seed. */
  async generateKem(name: string, algorithm: MlKemAlgorithm): Promise<TokenKemKey> {
    await this.#mustBeFree(name)
    if (tokenHasKem(this.#token)) return generateKemInToken(this.#token, name, algorithm)
    const key = DecapsulationKey.generate(algorithm)
    await this.#wrap(this.#kemPath(name), key.seed, { algorithm, kid: kemKid(key), purpose: KEM_PURPOSE })
    return key
  }

  /** Throws as {@link open}. */
  async openKem(name: string): Promise<TokenKemKey> {
    needName(name)
    const inToken = openKemInToken(this.#token, name)
    if (inToken !== undefined) return inToken
    const wrapped = decodeWrappedSeed(await this.#text(this.#kemPath(name), name), isMlKem)
    const key = this.#unwrap(name, { ...wrapped, purpose: KEM_PURPOSE }, (seed) =>
      DecapsulationKey.fromSeed(wrapped.algorithm, seed),
    )
    if (kemKid(key) === wrapped.kid) return key
    throw mismatch()
  }

  /** Throws `UsageError` `pqc.key-store.unknown`. */
  async removeKem(name: string): Promise<void> {
    needName(name)
    if (kemIsInToken(this.#token, name)) removeKemFromToken(this.#token, name)
    else if (existsSync(this.#kemPath(name))) await rm(this.#kemPath(name))
    else throw unknownKey(name)
  }

  async #store(name: string, key: SigningKey): Promise<MessageSigner> {
    const kid = toHex(key.publicKey.fingerprint)
    await this.#wrap(this.#path(name), key.toSeed(), { algorithm: key.algorithm, kid, purpose: this.#purpose })
    return key
  }

  /** Writes a seed, wrapped, and overwrites it. */
  async #wrap(path: string, seed: Uint8Array, of: Pick<WrappedSeed, 'algorithm' | 'kid' | 'purpose'>): Promise<void> {
    try {
      this.#wrappingKey ??= WrappingKey.find(this.#token, this.#label) ?? WrappingKey.generate(this.#token, this.#label)
      const wrappingKey = this.#wrappingKey
      const bound = { version: 1 as const, ...of, kek: wrappingKey.id }
      const { nonce, sealed } = wrappingKey.wrap(seed, wrapAad(bound))
      const text = encodeWrappedSeed({ ...bound, nonce: toHex(nonce), sealed: toHex(sealed) })
      await writeWhole(path, text, 0o600, false)
    } finally {
      seed.fill(0)
    }
  }

  /** What `use` makes of a seed, which is overwritten then. */
  #unwrap<T>(name: string, wrapped: WrappedSeed, use: (seed: Uint8Array) => T): T {
    // Not made where it is missing: that would stand in the way of a restoration.
    const key = WrappingKey.find(this.#token, this.#label, wrapped.kek)
    if (key === undefined) {
      const message = `"${name}" was wrapped by the key ${wrapped.kek}, which the token does not have`
      throw new UsageError('pqc.hsm.kek', message, { name })
    }
    this.#unwraps++
    const seed = key.unwrap(fromHex(wrapped.nonce), fromHex(wrapped.sealed), wrapAad(wrapped))
    try {
      return use(seed)
    } finally {
      seed.fill(0)
    }
  }

  async #mustBeFree(name: string): Promise<void> {
    needName(name)
    const files = [this.#path(name), this.#kemPath(name)]
    const taken =
      files.some((file) => existsSync(file)) ||
      listInToken(this.#token).some((entry) => entry.name === name) ||
      kemIsInToken(this.#token, name)
    if (taken) throw keyExists(name)
  }

  async #read(name: string): Promise<WrappedSeed<SignatureAlgorithm>> {
    return decodeWrappedSeed(await this.#text(this.#path(name), name), isSignatureAlgorithm)
  }

  async #text(path: string, name: string): Promise<string> {
    if (!existsSync(path)) throw unknownKey(name)
    return readFile(path, 'utf8')
  }

  #path(name: string): string {
    return join(this.#folder, `${name}.wrapped`)
  }

  #kemPath(name: string): string {
    return join(this.#folder, `${name}.wrapped-kem`)
  }
}

function kemKid({ algorithm, publicKey }: DecapsulationKey): string {
  return toHex(sha256(encodeSpki(algorithm, publicKey)))
}

function isMlKem(name: unknown): name is MlKemAlgorithm {
  return typeof name === 'string' && Object.hasOwn(ML_KEM_SETS, name)
}

function mismatch(): DecodeError {
  return new DecodeError('pqc.key.mismatch', 0, 'kid', 'the seed is of another key than the file says')
}
