import { readFile, stat } from 'node:fs/promises'
import type { MessageSigner } from '@gridseal/pqc'
import { Pkcs11KeyStore, readKeyFile } from '@gridseal/pqc'
import { UsageError, describeError } from '@gridseal/wire'
import type { SigningKeyConfig, TokenKeyConfig } from '../config/model.ts'

/** A key that signs, and what lets go of its token. */
export interface OpenKey {
  readonly signer: MessageSigner
  readonly close: () => Promise<void>
}

/** Opens a key in a file or a token. Throws `UsageError` and `AuthError` as these do. */
export async function openKey({ file, token }: SigningKeyConfig): Promise<OpenKey> {
  if (token !== undefined) return openInToken(token)
  if (file === undefined) throw new UsageError('config.invalid', 'a key is in a file or a token')
  return { signer: await readKeyFile(file), close: () => Promise.resolve() }
}

async function openInToken({ library, label, pin, name, folder }: TokenKeyConfig): Promise<OpenKey> {
  const store = await Pkcs11KeyStore.open({ library, token: label, pin: await readPin(pin), folder })
  try {
    return { signer: await store.open(name), close: () => store.close() }
  } catch (error) {
    await store.close()
    throw error
  }
}

async function readPin(file: string): Promise<string> {
  try {
    const { mode } = await stat(file)
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new UsageError('config.pin', `${file} holds a PIN and must be its owner's alone: chmod 600 ${file}`)
    }
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError('config.pin', `cannot read ${file}: ${describeError(error)}`, {}, error)
  }
}
