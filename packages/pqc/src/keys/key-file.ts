import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { DecodeError, UsageError } from '@gridseal/wire'
import { needKnown } from '../check.ts'
import { DecapsulationKey } from '../kem/decapsulation-key.ts'
import { decryptPkcs8, encryptPkcs8 } from './encrypted-key.ts'
import type { ScryptCost } from './encrypted-key.ts'
import { decodePem, encodePem } from './pem.ts'
import { SigningKey } from './signing-key.ts'
import { VerifyingKey } from './verifying-key.ts'
import { asUsageError, writeWhole } from './write-file.ts'

/** Largest key file that is read, in bytes: every PEM of ours is far below. */
const MAX_FILE = 64 * 1024
const PRIVATE_MODE = 0o600
const PUBLIC_MODE = 0o644
/** A pipe of this name is opened without waiting for whoever fills it, and refused then. Windows has no such flag. */
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

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
  needKnown(options, ['passphrase', 'cost', 'overwrite'])
  const { passphrase, cost, overwrite = false } = options
  const pkcs8 = key.toPkcs8()
  try {
    const pem =
      passphrase === undefined
        ? encodePem('PRIVATE KEY', pkcs8)
        : encodePem('ENCRYPTED PRIVATE KEY', await encryptPkcs8(pkcs8, passphrase, cost))
    await writeWhole(path, pem, PRIVATE_MODE, overwrite)
  } finally {
    pkcs8.fill(0)
  }
}

/** Writes a public key as SubjectPublicKeyInfo PEM (0644). Throws as {@link writeKeyFile}. */
export async function writePublicKeyFile(
  path: string,
  key: VerifyingKey,
  options: WriteKeyOptions = {},
): Promise<void> {
  needKnown(options, ['overwrite'])
  await writeWhole(path, key.toPem(), PUBLIC_MODE, options.overwrite ?? false)
}

/**
 * Reads a private key file. Throws `UsageError` `pqc.key-file.mode` if group or others have any access to it (except
 * on Windows, which has no such modes), `pqc.key-file.read` if it cannot be read, `pqc.key-file.passphrase` if it is encrypted and no
 * passphrase is given, `pqc.key-file.format` if it is no key, and `AuthError` `pqc.passphrase.wrong`.
 */
export async function readKeyFile(path: string, options: ReadKeyOptions = {}): Promise<SigningKey> {
  return readPkcs8(path, options, (der) => SigningKey.fromPkcs8(der))
}

/** Reads a private KEM key file. Throws as {@link readKeyFile}. */
export async function readKemKeyFile(path: string, options: ReadKeyOptions = {}): Promise<DecapsulationKey> {
  return readPkcs8(path, options, (der) => DecapsulationKey.fromPkcs8(der))
}

/** What `use` makes of the key, which is overwritten then. */
async function readPkcs8<T>(path: string, options: ReadKeyOptions, use: (der: Uint8Array) => T): Promise<T> {
  needKnown(options, ['passphrase'])
  return decoded(path, async () => {
    const der = await opened(path, await read(path, true), options)
    try {
      return use(der)
    } finally {
      der.fill(0)
    }
  })
}

async function opened(path: string, pem: string, { passphrase }: ReadKeyOptions): Promise<Uint8Array> {
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
    file = await open(path, READ)
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
