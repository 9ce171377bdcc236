import { FILE_STATUS } from '../../codec/file-objects.ts'

/** What is known of a file or directory. */
export interface FileInfo {
  readonly name: string
  readonly type: 'file' | 'directory'
  /** Octets; of a directory, how many entries. */
  readonly size: number
  /** Milliseconds since 1970-01-01 UTC. */
  readonly created: number
  readonly permissions: number
}

/** An open file. */
export interface OpenFile {
  readonly size: number
  /** Up to `length` octets from `offset` on. */
  read(offset: number, length: number): Uint8Array
  /** Appends; returns a file status. */
  write(data: Uint8Array): number
  /** Keeps what was written, or throws it away. */
  close(keep: boolean): void
}

/** Where an outstation has its files. Names are relative to its root, with `/`, and were checked before. */
export interface FileStore {
  info(name: string): FileInfo | undefined
  /** Entries of a directory; undefined: there is none of that name. */
  list(name: string): readonly FileInfo[] | undefined
  /** An open file, or the file status that says why not. */
  open(name: string, mode: 'read' | 'write' | 'append', permissions: number): OpenFile | number
  /** A file status. */
  remove(name: string): number
}

const MOST_OCTETS = 0xffff_ffff

/** Files in memory, within bounds. */
export class MemoryFiles implements FileStore {
  readonly #files = new Map<string, { content: Uint8Array; created: number; permissions: number }>()
  readonly #maxOctets: number
  readonly #maxFiles: number

  constructor(
    files: Readonly<Record<string, Uint8Array>> = {},
    { maxOctets = 16 << 20, maxFiles = 1000 }: { maxOctets?: number; maxFiles?: number } = {},
  ) {
    this.#maxOctets = Math.min(maxOctets, MOST_OCTETS)
    this.#maxFiles = maxFiles
    for (const [name, content] of Object.entries(files)) {
      this.#files.set(name, { content, created: 0, permissions: 0o644 })
    }
  }

  /** What a file holds. */
  content(name: string): Uint8Array | undefined {
    return this.#files.get(name)?.content
  }

  info(name: string): FileInfo | undefined {
    const file = this.#files.get(name)
    if (file !== undefined) {
      const { content, created, permissions } = file
      return { name: baseName(name), type: 'file', size: content.length, created, permissions }
    }
    const entries = this.list(name)
    if (entries === undefined) return undefined
    return { name: baseName(name), type: 'directory', size: entries.length, created: 0, permissions: 0o755 }
  }

  list(name: string): readonly FileInfo[] | undefined {
    const prefix = name === '' ? '' : `${name}/`
    const names = new Set<string>()
    for (const path of this.#files.keys()) {
      if (path.startsWith(prefix)) names.add(path.slice(prefix.length).split('/', 1)[0] ?? '')
    }
    if (names.size === 0 && name !== '') return undefined
    return [...names].sort().flatMap((entry) => this.info(prefix + entry) ?? [])
  }

  open(name: string, mode: 'read' | 'write' | 'append', permissions: number): OpenFile | number {
    const old = this.#files.get(name)
    if (mode === 'read') {
      if (old === undefined) return FILE_STATUS.NOT_FOUND
      const { content } = old
      return {
        size: content.length,
        read: (offset, length) => content.subarray(offset, offset + length),
        write: () => FILE_STATUS.INVALID_MODE,
        close: () => undefined,
      }
    }
    if (old === undefined && this.#files.size >= this.#maxFiles) return FILE_STATUS.PERMISSION_DENIED
    const parts: Uint8Array[] = mode === 'append' && old !== undefined ? [old.content] : []
    let size = parts[0]?.length ?? 0
    return {
      size,
      read: () => new Uint8Array(0),
      write: (data) => {
        if (this.#octetsBut(name) + size + data.length > this.#maxOctets) return FILE_STATUS.BUFFER_OVERRUN
        parts.push(data.slice())
        size += data.length
        return FILE_STATUS.SUCCESS
      },
      close: (keep) => {
        if (keep) this.#files.set(name, { content: Buffer.concat(parts), created: 0, permissions })
      },
    }
  }

  remove(name: string): number {
    return this.#files.delete(name) ? FILE_STATUS.SUCCESS : FILE_STATUS.NOT_FOUND
  }

  #octetsBut(name: string): number {
    let octets = 0
    for (const [path, { content }] of this.#files) if (path !== name) octets += content.length
    return octets
  }
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

const LONGEST_NAME = 255

const FIRST_PRINTABLE = 0x20
const COLON = 0x3a
const BACKSLASH = 0x5c

/**
 * The name of a request relative to the root, or undefined for one that leaves it, is empty where it must not be, or has
 * octets that no file has. `/a/b`, `./a/b` and `a/b` are the same.
 */
export function safeName(octets: Uint8Array): string | undefined {
  if (octets.length > LONGEST_NAME) return undefined
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(octets)
  } catch {
    return undefined
  }
  // Control characters, backslashes and drive letters have no place in a name.
  if ([...octets].some((octet) => octet < FIRST_PRINTABLE || octet === BACKSLASH || octet === COLON)) return undefined
  const parts = text.split('/').filter((part) => part !== '' && part !== '.')
  return parts.includes('..') ? undefined : parts.join('/')
}
