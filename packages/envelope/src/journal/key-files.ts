import { constants } from 'node:fs'
import { open, readFile, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { VerifyingKey } from '@gridseal/pqc'
import { UsageError, describeError, toHex } from '@gridseal/wire'

// Beside the segments lie the public keys that have signed them (`FINGERPRINT.pub`, PEM), the receipts of changes of
// keys (`FINGERPRINT.succession`, of the new key), and what else the journal's owner must not forget.

const SUCCESSION = '.succession'

/** Receipts of changes of keys that lie beside the segments; nothing is verified. */
export async function readSuccessions(directory: string): Promise<Uint8Array[]> {
  const names = await readdir(directory).catch(() => [])
  const files = names.filter((name) => name.endsWith(SUCCESSION)).sort()
  const receipts: Uint8Array[] = []
  for (const name of files.slice(0, MOST_SUCCESSIONS)) {
    const bytes = await readBeside(directory, name)
    if (bytes !== undefined) receipts.push(bytes)
  }
  return receipts
}

/** Largest file with a key or a receipt that is read, bytes: the longest signatures have fifty thousand. */
const MAX_FILE = 256 << 10

/** A small file beside the segments. Undefined for what is none, is larger than 256 KiB, or cannot be read. */
export async function readBeside(directory: string, name: string): Promise<Buffer | undefined> {
  // A named pipe must not keep us waiting for somebody to write to it.
  const file = await open(join(directory, name), constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(
    () => undefined,
  )
  try {
    const status = await file?.stat()
    return status?.isFile() === true && status.size <= MAX_FILE ? await file?.readFile() : undefined
  } catch {
    return undefined
  } finally {
    await file?.close()
  }
}

/** A journal changes keys a few times a year. */
const MOST_SUCCESSIONS = 4096

/** Throws `UsageError` `journal.open`. */
export async function putKey(directory: string, key: VerifyingKey): Promise<void> {
  const name = `${toHex(key.fingerprint)}.pub`
  const pem = key.toPem()
  // A power cut may have left half of one.
  if ((await readFile(join(directory, name), 'utf8').catch(() => '')) !== pem) await putBeside(directory, name, pem)
}

/** The receipt by which a key was named. Throws `UsageError` `journal.open`. */
export async function putSuccession(directory: string, receipt: Uint8Array, key: VerifyingKey): Promise<void> {
  await putKey(directory, key)
  await putBeside(directory, `${toHex(key.fingerprint)}${SUCCESSION}`, receipt)
}

/** Puts a file beside the segments: it is there whole, or what was there before. Throws `UsageError` `journal.open`. */
export async function putBeside(directory: string, name: string, content: string | Uint8Array): Promise<void> {
  const path = join(directory, name)
  try {
    const file = await open(`${path}.new`, 'w', 0o644)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(`${path}.new`, path)
  } catch (error) {
    throw new UsageError('journal.open', `cannot write ${path}: ${describeError(error)}`, {}, error)
  }
}

/**
 * The public keys that lie beside the segments. A key whose name is not its fingerprint is left out. Throws
 * `UsageError` `journal.open` if the directory cannot be read.
 */
export async function readJournalKeys(directory: string): Promise<VerifyingKey[]> {
  const keys: VerifyingKey[] = []
  const names = await readdir(directory).catch((error: unknown) => {
    throw new UsageError('journal.open', `cannot read ${directory}: ${describeError(error)}`, {}, error)
  })
  for (const name of names) {
    if (!name.endsWith('.pub')) continue
    try {
      const key = VerifyingKey.fromPem((await readBeside(directory, name))?.toString('utf8') ?? '')
      if (`${toHex(key.fingerprint)}.pub` === name) keys.push(key)
    } catch {
      // A damaged key file vouches for nothing: batches signed by that key will be refused as of an unknown key.
    }
  }
  return keys
}
