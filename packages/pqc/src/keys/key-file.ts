import { dirname } from 'node:path'
import { open, rename, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { DecodeError, UsageError } from '@gridseal/wire'
import { DecapsulationKey } from '../kem/decapsulation-key.ts'
import { decryptPkcs8, encryptPkcs8 } from './encrypted-key.ts'
import type { ScryptCost } from './encrypted-key.ts'
import { decodePem, encodePem } from './pem.ts'
import { SigningKey } from './signing-key.ts'
import { VerifyingKey } from './verifying-key.ts'

/** Largest key file that is read, in bytes: every PEM of ours is far below. */
const MAX_FILE = 64 * 1024
const PRIVATE_MODE = 0o600
const PUBLIC_MODE = 0o644

export interface ReadKeyOptions {
  /** Opens an encrypted key file. */
  readonly passphrase?: string
}

export interface WriteKeyOptions {
  /** Replace an existing file. Default false. */
  readonly overwrite?: boolean
}

export interface WritePrivateKeyOptions extends WriteKeyOptions {
  /** Encrypts the file (scrypt, AES-256-GCM). */
  readonly passphrase?: string
  /** Default: 128 MiB. */
  readonly cost?: ScryptCost
}

/**
 * Writes a private key as PKCS#8 PEM which only its owner can read (0600), synced before this resolves. Throws
 * `UsageError` `pqc.key-file.exists` unless `overwrite` is set, and `pqc.key-file.write`.
 */
export async function writeKeyFile(
  path: string,
  key: SigningKey | DecapsulationKey,
  options: WritePrivateKeyOptions = {},
): Promise<void> {
  const { passphrase, cost, ...rest } = options
  const pem =
    passphrase === undefined
      ? key.toPem()
      : encodePem('ENCRYPTED PRIVATE KEY', await encryptPkcs8(key.toPkcs8(), passphrase, cost))
  await write(path, pem, PRIVATE_MODE, rest)
}

/** Writes a public key as SubjectPublicKeyInfo PEM (0644). Throws as {@link writeKeyFile}. */
export async function writePublicKeyFile(
  path: string,
  key: VerifyingKey,
  options: WriteKeyOptions = {},
): Promise<void> {
  await write(path, key.toPem(), PUBLIC_MODE, options)
}

/**
 * Reads a private key file. Throws `UsageError` `pqc.key-file.mode` if group or others have any access to it (except
 * on Windows, which has no such modes), `pqc.key-file.read` if it cannot be read, `pqc.key-file.passphrase` if it is encrypted and no
 * passphrase is given, `pqc.key-file.format` if it is no key, and `AuthError` `pqc.passphrase.wrong`.
 */
export async function readKeyFile(path: string, options: ReadKeyOptions = {}): Promise<SigningKey> {
  return decoded(path, async () => SigningKey.fromPkcs8(await readPkcs8(path, options)))
}

/** Reads a private KEM key file. Throws as {@link readKeyFile}. */
export async function readKemKeyFile(path: string, options: ReadKeyOptions = {}): Promise<DecapsulationKey> {
  return decoded(path, async () => DecapsulationKey.fromPkcs8(await readPkcs8(path, options)))
}

async function readPkcs8(path: string, { passphrase }: ReadKeyOptions): Promise<Uint8Array> {
  const pem = await read(path, true)
  if (!pem.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----')) return decodePem(pem, 'PRIVATE KEY')
  if (passphrase === undefined) {
    throw new UsageError('pqc.key-file.passphrase', `${path} is encrypted: a passphrase is needed`, { path })
  }
  return decryptPkcs8(decodePem(pem, 'ENCRYPTED PRIVATE KEY'), passphrase)
}

/** Reads a public key file. Throws `UsageError` `pqc.key-file.read` and `pqc.key-file.format`. */
export async function readPublicKeyFile(path: string): Promise<VerifyingKey> {
  return decoded(path, async () => VerifyingKey.fromPem(await read(path, false)))
}

/** Whoever named a file that holds something else is told which. */
async function decoded<T>(path: string, decode: () => Promise<T>): Promise<T> {
  try {
    return await decode()
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw new UsageError('pqc.key-file.format', `${path} does not hold such a key: ${error.message}`, { path }, error)
  }
}

async function read(path: string, secret: boolean): Promise<string> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    // The open file is asked, not the path: nobody can swap it in between.
    const status = await file.stat()
    if (!status.isFile()) throw new UsageError('pqc.key-file.read', `${path} is not a file`, { path })
    if (status.size > MAX_FILE) throw new UsageError('pqc.key-file.read', `${path} is too large for a key`, { path })
    if (secret && process.platform !== 'win32' && (status.mode & 0o077) !== 0) {
      const mode = (status.mode & 0o777).toString(8).padStart(4, '0')
      const message = `${path} has mode ${mode}, but a private key must be its owner's alone: chmod 600 ${path}`
      throw new UsageError('pqc.key-file.mode', message, { path, mode })
    }
    return await file.readFile('utf8')
  } catch (error) {
    throw asUsageError(error, 'pqc.key-file.read', `cannot read ${path}`, path)
  } finally {
    await file?.close()
  }
}

async function write(path: string, text: string, mode: number, options: WriteKeyOptions): Promise<void> {
  // Replacing goes by a new file beside the old one, so that a crash leaves one of the two whole.
  const target = options.overwrite ? `${path}.${randomBytes(6).toString('hex')}.new` : path
  let created = false
  try {
    const file = await open(target, 'wx', mode)
    created = true
    try {
      await file.chmod(mode)
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    if (target !== path) await rename(target, path)
    await syncFolder(dirname(path))
  } catch (error) {
    if (created) await rm(target, { force: true })
    if (!created && (error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new UsageError('pqc.key-file.exists', `${path} exists already`, { path }, error)
    }
    throw asUsageError(error, 'pqc.key-file.write', `cannot write ${path}`, path)
  }
}

/** Makes a new name last through a power cut. Windows cannot open folders, and needs no such thing. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function asUsageError(error: unknown, code: string, message: string, path: string): UsageError {
  if (error instanceof UsageError) return error
  const reason = error instanceof Error ? error.message : String(error)
  return new UsageError(code, `${message}: ${reason}`, { path }, error)
}
