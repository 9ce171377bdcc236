import { existsSync } from 'node:fs'
import { open, readFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DecodeError, UsageError, describeError, fromHex, toHex } from '@gridseal/wire'
import type { SignatureAlgorithm } from '../algorithms/info.ts'
import type { MessageSigner } from '../keys/message-signer.ts'
import { SigningKey } from '../keys/signing-key.ts'
import { keyExists, needName, unknownKey } from './key-store.ts'
import type { KeyStore, StoreHealth, StoredKey } from './key-store.ts'
import { loadPkcs11 } from './pkcs11-binding.ts'
import type { Pkcs11 } from './pkcs11-binding.ts'
import { Token } from './token.ts'
import type { TokenOptions } from './token.ts'
import { generateInToken, listInToken, openInToken, removeFromToken, tokenSupports } from './token-keys.ts'
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

  private constructor(token: Token, options: Pkcs11KeyStoreOptions) {
    this.#token = token
    this.#folder = options.folder
    this.#purpose = options.purpose ?? 'signing'
    this.#label = options.wrappingKey ?? WRAPPING_KEY
  }

  /** Throws `UsageError` `pqc.hsm.missing`, `.library`, `.token` and `AuthError` `pqc.hsm.pin`. */
  static async open(options: Pkcs11KeyStoreOptions, binding?: Pkcs11): Promise<Pkcs11KeyStore> {
    return new Pkcs11KeyStore(Token.open(binding ?? (await loadPkcs11()), options), options)
  }

  /** How often seeds were unwrapped since the store was opened. */
  get unwraps(): number {
    return this.#wrappingKey?.unwraps ?? 0
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
    if (inToken !== undefined) return openInToken(this.#token, name, inToken.algorithm)!
    const wrapped = await this.#read(name)
    const { algorithm, nonce, sealed } = wrapped
    const key = this.#key()
    if (key.id !== wrapped.kek) {
      const message = `"${name}" was wrapped by the key ${wrapped.kek}, and the token has ${key.id}`
      throw new UsageError('pqc.hsm.kek', message, { name })
    }
    const aad = wrapAad({ ...wrapped, purpose: this.#purpose })
    const seed = key.unwrap(fromHex(nonce), fromHex(sealed), aad)
    const signer = SigningKey.fromSeed(algorithm, seed)
    seed.fill(0)
    if (toHex(signer.publicKey.fingerprint) === wrapped.kid) return signer
    throw new DecodeError('pqc.key.mismatch', 0, 'kid', 'the seed is of another key than the file says')
  }

  async list(): Promise<readonly StoredKey[]> {
    const inToken = listInToken(this.#token).map(({ name, algorithm }): StoredKey => {
      const { publicKey } = openInToken(this.#token, name, algorithm)!
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

  async #store(name: string, key: SigningKey): Promise<MessageSigner> {
    const wrappingKey = this.#key()
    const seed = key.toSeed()
    const bound = {
      version: 1 as const,
      algorithm: key.algorithm,
      kid: toHex(key.publicKey.fingerprint),
      purpose: this.#purpose,
      kek: wrappingKey.id,
    }
    const { nonce, sealed } = wrappingKey.wrap(seed, wrapAad(bound))
    seed.fill(0)
    const file = await open(this.#path(name), 'wx', 0o600)
    try {
      await file.writeFile(encodeWrappedSeed({ ...bound, nonce: toHex(nonce), sealed: toHex(sealed) }))
      await file.sync()
    } finally {
      await file.close()
    }
    return key
  }

  async #mustBeFree(name: string): Promise<void> {
    needName(name)
    const taken = existsSync(this.#path(name)) || listInToken(this.#token).some((entry) => entry.name === name)
    if (taken) throw keyExists(name)
  }

  async #read(name: string): Promise<WrappedSeed> {
    if (!existsSync(this.#path(name))) throw unknownKey(name)
    return decodeWrappedSeed(await readFile(this.#path(name), 'utf8'))
  }

  #key(): WrappingKey {
    return (this.#wrappingKey ??= WrappingKey.open(this.#token, this.#label))
  }

  #path(name: string): string {
    return join(this.#folder, `${name}.wrapped`)
  }
}
