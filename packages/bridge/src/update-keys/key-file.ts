import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { UsageError, describeError, fromHex, toHex } from '@gridseal/wire'

/** What a master, or an outstation beside a field bridge, is told of an update key. */
export interface UpdateKeyFile {
  /** Name of the user. */
  readonly user: string
  /** The number that the outstation knows the user by. */
  readonly number: number
  /** 16 or 32 octets. */
  readonly updateKey: Uint8Array
  /** When it was installed, milliseconds since 1970-01-01 UTC. */
  readonly installed: number
}

const MAX_FILE = 4096

/**
 * Reads a key file. Throws `UsageError` `bridge.update-key.file` if it cannot be read or is none, and on systems that have modes
 * also if anybody but its owner can get at it.
 */
export async function readUpdateKeyFile(path: string): Promise<UpdateKeyFile> {
  const source = await readSecretFile(path)
  try {
    const { user, number, updateKey, installed } = JSON.parse(source) as Readonly<Record<string, unknown>>
    if (typeof user !== 'string' || typeof number !== 'number' || typeof updateKey !== 'string') throw wrong(path)
    const time = Date.parse(String(installed))
    const octets = fromHex(updateKey)
    if (Number.isNaN(time) || (octets.length !== 16 && octets.length !== 32)) throw wrong(path)
    return { user, number, updateKey: octets, installed: time }
  } catch (error) {
    throw error instanceof UsageError && error.code === 'bridge.update-key.file' ? error : wrong(path, error)
  }
}

/** Writes a key file that only its owner can read (0600): the old one or the new one is there at any time, whole. */
export async function writeUpdateKeyFile(path: string, key: UpdateKeyFile): Promise<void> {
  const { user, number, updateKey, installed } = key
  const content = { user, number, updateKey: toHex(updateKey), installed: new Date(installed).toISOString() }
  await writeSecretFile(path, `${JSON.stringify(content, undefined, 2)}\n`)
}

/** A key of `length` octets as hex digits, e.g. the authority's. Throws as {@link readUpdateKeyFile}. */
export async function readHexKey(path: string, length: number): Promise<Uint8Array> {
  const text = (await readSecretFile(path)).trim()
  if (!new RegExp(`^[0-9a-fA-F]{${2 * length}}$`).test(text)) {
    throw new UsageError('bridge.update-key.file', `${path}: ${2 * length} hex digits are needed`, { path })
  }
  return fromHex(text)
}

async function readSecretFile(path: string): Promise<string> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    const { mode, size } = await file.stat()
    if (size > MAX_FILE) throw wrong(path)
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new UsageError('bridge.update-key.file', `${path} must be its owner's alone: chmod 600 ${path}`, { path })
    }
    return await file.readFile('utf8')
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError('bridge.update-key.file', `cannot read ${path}: ${describeError(error)}`, { path }, error)
  } finally {
    await file?.close()
  }
}

async function writeSecretFile(path: string, text: string): Promise<void> {
  const fresh = `${path}.${randomBytes(6).toString('hex')}.new`
  try {
    const file = await open(fresh, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(fresh, path)
  } catch (error) {
    await rm(fresh, { force: true })
    throw new UsageError('bridge.update-key.file', `cannot write ${path}: ${describeError(error)}`, { path }, error)
  }
}

function wrong(path: string, cause?: unknown): UsageError {
  return new UsageError('bridge.update-key.file', `${path} is no key file`, { path }, cause)
}
