import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UsageError } from '@gridseal/wire'

const NAME = 'lock'

/**
 * Takes a directory for this process: a file `lock` with the process id. One that a dead process left behind is taken
 * over. Throws `UsageError` `journal.locked`.
 */
export async function lockDirectory(directory: string): Promise<void> {
  const path = join(directory, NAME)
  for (let tries = 0; tries < 2; tries++) {
    try {
      await writeFile(path, `${process.pid}\n`, { flag: 'wx', mode: 0o600 })
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const owner = Number((await readFile(path, 'utf8').catch(() => '')).trim())
    if (isAlive(owner)) {
      throw new UsageError('journal.locked', `process ${owner} writes to the journal ${directory} (${path})`, { owner })
    }
    await rm(path, { force: true })
  }
  throw new UsageError('journal.locked', `the journal ${directory} is being opened by another process`)
}

export async function unlockDirectory(directory: string): Promise<void> {
  await rm(join(directory, NAME), { force: true })
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it is there, but not ours.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
