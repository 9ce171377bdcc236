import { FILE_STATUS } from '../../codec/file-objects.ts'
import type { FileStore, OpenFile } from './file-store.ts'

/** Who may use files, how many may be open. */
export interface FileOptions {
  readonly store: FileStore
  /** The key of a user, not 0, or undefined for one who is refused. Default: files need no authentication. */
  readonly authenticate?: (user: string, password: string) => number | undefined
  /** Milliseconds without a request after which an open file is closed. Default 60000. */
  readonly idleTimeout?: number
  /** Files open at once. Default 5. */
  readonly maxOpen?: number
}

export interface FileHandle {
  readonly file: OpenFile
  readonly mode: 'read' | 'write'
  readonly maxBlock: number
  /** The number that the next block has. */
  next: number
  used: number
  ended: boolean
}

/** The files that one master has open (IEEE 1815 clause 4, file transfer). */
export class FileDesk {
  readonly options: FileOptions
  readonly #open = new Map<number, FileHandle>()
  /** Handles that were closed for lack of use. */
  readonly #expired = new Set<number>()
  readonly #keys = new Set<number>()
  #lastHandle = 0

  constructor(options: FileOptions) {
    this.options = options
  }

  /** Whether a key is one that was given out; without authentication, any. */
  admits(key: number): boolean {
    return this.options.authenticate === undefined || this.#keys.has(key)
  }

  authenticate(user: Uint8Array, password: Uint8Array): number {
    const text = (octets: Uint8Array): string => new TextDecoder().decode(octets)
    const key = this.options.authenticate?.(text(user), text(password)) ?? 0
    if (key !== 0) this.#keys.add(key)
    return key
  }

  open(file: OpenFile, mode: 'read' | 'write', maxBlock: number, now: number): number | undefined {
    this.expire(now)
    if (this.#open.size >= (this.options.maxOpen ?? 5)) return undefined
    const handle = ++this.#lastHandle
    this.#open.set(handle, { file, mode, maxBlock, next: 0, used: now, ended: false })
    return handle
  }

  /** An open file, or why there is none. */
  get(handle: number, now: number): FileHandle | number {
    this.expire(now)
    const open = this.#open.get(handle)
    if (open === undefined) return this.#expired.has(handle) ? FILE_STATUS.HANDLE_EXPIRED : FILE_STATUS.INVALID_HANDLE
    open.used = now
    return open
  }

  close(handle: number, keep: boolean): void {
    this.#open.get(handle)?.file.close(keep)
    this.#open.delete(handle)
  }

  /** Closes what has not been used; what was written so far is thrown away. */
  expire(now: number): void {
    for (const [handle, { used }] of this.#open) {
      if (now - used <= (this.options.idleTimeout ?? 60_000)) continue
      this.close(handle, false)
      if (this.#expired.size >= 100) this.#expired.clear()
      this.#expired.add(handle)
    }
  }

  /** The master is gone. */
  closeAll(): void {
    for (const handle of this.#open.keys()) this.close(handle, false)
    this.#keys.clear()
  }
}
