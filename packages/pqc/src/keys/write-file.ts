import { randomBytes } from 'node:crypto'
import { link, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { UsageError } from '@gridseal/wire'

/**
 * Writes a file with exactly this mode, which is there whole or not at all, whatever happens meanwhile (a file system
 * without hard links may be left with an empty one by a power cut); synced before this resolves. Throws `UsageError`
 * `pqc.key-file.exists` for a name that is taken unless `overwrite` is set, and `pqc.key-file.write`.
 */
export async function writeWhole(
  path: string,
  text: string,
  mode: number,
  overwrite: boolean,
  makeLink: typeof link = link,
): Promise<void> {
  const target = `${path}.${randomBytes(6).toString('hex')}.new`
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
    if (overwrite) await rename(target, path)
    else await giveName(target, path, makeLink)
    await syncFolder(dirname(path))
  } catch (error) {
    if (created && (error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new UsageError('pqc.key-file.exists', `${path} exists already`, { path }, error)
    }
    throw asUsageError(error, 'pqc.key-file.write', `cannot write ${path}`, path)
  } finally {
    if (created) await rm(target, { force: true })
  }
}

/** What file systems without hard links say to one: those of memory cards, mostly. */
const NO_LINKS: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/** Gives a file a name that nothing has, not through a symbolic link either. Throws `EEXIST`. */
async function giveName(target: string, path: string, makeLink: typeof link): Promise<void> {
  try {
    await makeLink(target, path)
  } catch (error) {
    if (!NO_LINKS.has((error as NodeJS.ErrnoException).code)) throw error
    // The name is taken first, by an empty file: that is all that a power cut can leave here.
    const place = await open(path, 'wx', 0o600)
    await place.close()
    await rename(target, path)
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

/** An error of the file system for whoever named the file. */
export function asUsageError(error: unknown, code: string, message: string, path: string): UsageError {
  if (error instanceof UsageError) return error
  const reason = error instanceof Error ? error.message : String(error)
  return new UsageError(code, `${message}: ${reason}`, { path }, error)
}
