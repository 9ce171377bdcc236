import { readFile, readdir, readlink, realpath } from 'node:fs/promises'
import { basename, join } from 'node:path'

/** Where programs leave lock files for serial ports, in the form of UUCP: `LCK..ttyUSB0`, with their process number. */
const LOCK_FOLDERS: readonly string[] = ['/var/lock', '/run/lock']

/** A process that keeps a port for itself. */
export interface PortHolder {
  readonly pid: number
  /** As the system calls it; empty where that cannot be seen. */
  readonly name: string
  /** The lock file that says so. */
  readonly lockFile?: string
}

/**
 * The running process that has claimed a port by a lock file. Lock files of processes that are gone, as a crash leaves
 * them, do not count.
 */
export async function lockedBy(
  path: string,
  folders: readonly string[] = LOCK_FOLDERS,
): Promise<PortHolder | undefined> {
  const names = new Set([basename(path), basename(await realpath(path).catch(() => path))])
  for (const folder of folders) {
    for (const name of names) {
      const lockFile = join(folder, `LCK..${name}`)
      const text = await readFile(lockFile, 'latin1').catch(() => '')
      const pid = /^\s*(\d+)/.exec(text)?.[1]
      if (pid === undefined || Number(pid) === process.pid || !isAlive(Number(pid))) continue
      return { pid: Number(pid), name: await nameOf(Number(pid)), lockFile }
    }
  }
  return undefined
}

/** Linux: the process that has a port open, as far as this user may see it. */
export async function openedBy(path: string): Promise<PortHolder | undefined> {
  const device = await realpath(path).catch(() => path)
  // Ourselves first: what we started may have the port from us.
  for (const pid of [String(process.pid), ...(await readdir('/proc').catch(() => []))]) {
    if (!/^\d+$/.test(pid)) continue
    const folder = join('/proc', pid, 'fd')
    for (const fd of await readdir(folder).catch(() => [])) {
      const target = await readlink(join(folder, fd)).catch(() => '')
      if (target === device) return { pid: Number(pid), name: await nameOf(Number(pid)) }
    }
  }
  return undefined
}

/** `process 4711 (minicom)`, and the lock file. */
export function holderText({ pid, name, lockFile }: PortHolder): string {
  const who = pid === process.pid ? 'this process' : `process ${pid}${name === '' ? '' : ` (${name})`}`
  return lockFile === undefined ? `${who} has it open` : `${who} has locked it (${lockFile})`
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

async function nameOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim()
}
