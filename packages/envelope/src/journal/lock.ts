import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { UsageError } from '@gridseal/wire'

const NAME = 'lock'

/** Directories that this process holds. A lock that names us and is not here is from before a restart. */
const held = new Set<string>()

/**
 * Takes a directory for this process: a file `lock` that names it. One that a dead process left behind, or one from
 * before the machine or the container was started, is taken over. Throws `UsageError` `journal.locked`.
 */
export async function lockDirectory(directory: string): Promise<void> {
  const place = resolve(directory)
  const path = join(place, NAME)
  const owner = await identity(process.pid)
  // Linked into place, so that nobody ever reads half a lock.
  const draft = `${path}.${process.pid}`
  await writeFile(draft, owner, { mode: 0o600 })
  try {
    for (let tries = 0; tries < 2; tries++) {
      try {
        await link(draft, path)
        held.add(place)
        return
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      const other = await readFile(path, 'utf8').catch(() => '')
      if (await isAlive(other, owner, place)) {
        const message = `process ${other.split(' ')[0]} writes to the journal ${directory} (${path})`
        throw new UsageError('journal.locked', message, { owner: other })
      }
      await rm(path, { force: true })
    }
    throw new UsageError('journal.locked', `the journal ${directory} is being opened by another process`)
  } finally {
    await rm(draft, { force: true })
  }
}

export async function unlockDirectory(directory: string): Promise<void> {
  const place = resolve(directory)
  if (held.delete(place)) await rm(join(place, NAME), { force: true })
}

async function isAlive(lock: string, own: string, place: string): Promise<boolean> {
  if (lock === own) return held.has(place)
  const pid = Number(lock.split(' ')[0])
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is there, but not ours.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  // The number may have gone to another process since.
  return (await identity(pid)) === lock
}

/** Process id, and where the system tells it (Linux) the boot and the tick in which the process was started. */
async function identity(pid: number): Promise<string> {
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim()
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The name in parentheses may hold spaces; the start time is the 20th field behind it.
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  return `${pid} ${boot} ${started}`
}
