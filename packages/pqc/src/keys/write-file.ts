import { randomBytes } from 'node:crypto'
import { link, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { UsageError } from '@gridseal/wire'

/**
 * Writes a file with exactly this mode, which is there whole or not at all, whatever happens meanwhile; synced before
 * this resolves. Throws `UsageError` `pqc.key-file.exists` for a name that is taken unless `overwrite` is set, and
 * `pqc.key-file.write`.
 */
export async function writeWhole(path: string, text: string, mode: number, overwrite: boolean): Promise<void> {
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
    // A link is made only where nothing has its name, and not through a symbolic link.
    if (overwrite) await rename(target, path)
    else await link(target, path)
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
