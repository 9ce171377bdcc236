import { existsSync } from 'node:fs'
import { access, constants, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describeError, toHex } from '@gridseal/wire'
import type { SignatureAlgorithm } from '../algorithms/info.ts'
import { needKnown } from '../check.ts'
import { readKeyFile, readPublicKeyFile, writeKeyFile, writePublicKeyFile } from '../keys/key-file.ts'
import type { WritePrivateKeyOptions } from '../keys/key-file.ts'
import type { MessageSigner } from '../keys/message-signer.ts'
import { SigningKey } from '../keys/signing-key.ts'
import { keyExists, needName, unknownKey } from './key-store.ts'
import type { KeyStore, StoreHealth, StoredKey } from './key-store.ts'

export interface FileKeyStoreOptions extends Pick<WritePrivateKeyOptions, 'passphrase' | 'cost'> {
  readonly folder: string
}

/** A folder of key files, `NAME.key` (mode 0600, encrypted where a passphrase is given) and `NAME.pub`. */
export class FileKeyStore implements KeyStore {
  readonly kind = 'file'
  readonly #folder: string
  readonly #write: WritePrivateKeyOptions
  readonly #read: { readonly passphrase?: string }

  /** Throws `UsageError` `pqc.option.unknown`. */
  constructor({ folder, ...options }: FileKeyStoreOptions) {
    needKnown(options, ['passphrase', 'cost'])
    this.#folder = folder
    this.#write = options
    this.#read = options.passphrase === undefined ? {} : { passphrase: options.passphrase }
  }

  async generate(name: string, algorithm: SignatureAlgorithm): Promise<MessageSigner> {
    return this.import(name, SigningKey.generate(algorithm))
  }

  async import(name: string, key: SigningKey): Promise<MessageSigner> {
    needName(name)
    if (existsSync(this.#path(name))) throw keyExists(name)
    await writeKeyFile(this.#path(name), key, this.#write)
    try {
      await writePublicKeyFile(this.#path(name, 'pub'), key.publicKey, { overwrite: true })
    } catch (error) {
      await rm(this.#path(name))
      throw error
    }
    return key
  }

  async open(name: string): Promise<MessageSigner> {
    needName(name)
    if (!existsSync(this.#path(name))) throw unknownKey(name)
    return readKeyFile(this.#path(name), this.#read)
  }

  async list(): Promise<readonly StoredKey[]> {
    const names = (await readdir(this.#folder)).filter((file) => file.endsWith('.pub')).map((file) => file.slice(0, -4))
    return Promise.all(
      names.sort().map(async (name) => {
        const { algorithm, fingerprint } = await readPublicKeyFile(this.#path(name, 'pub'))
        return { name, algorithm, kid: toHex(fingerprint), place: 'process' as const }
      }),
    )
  }

  async remove(name: string): Promise<void> {
    needName(name)
    if (!existsSync(this.#path(name))) throw unknownKey(name)
    await rm(this.#path(name))
    await rm(this.#path(name, 'pub'), { force: true })
  }

  async health(): Promise<StoreHealth> {
    try {
      await access(this.#folder, constants.R_OK | constants.W_OK)
      return { ok: true, detail: this.#folder, reconnects: 0 }
    } catch (error) {
      return { ok: false, detail: describeError(error), reconnects: 0 }
    }
  }

  async close(): Promise<void> {
    // Nothing is open.
  }

  #path(name: string, extension: 'key' | 'pub' = 'key'): string {
    return join(this.#folder, `${name}.${extension}`)
  }
}
