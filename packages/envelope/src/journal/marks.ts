import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs'
import { fdatasync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sha256 } from '@gridseal/pqc'
import { UsageError, crc32c, describeError, toHex } from '@gridseal/wire'
import type { Place } from './segment-index.ts'

// Beside the segments lies one small file with a mark for each queue: how far it has been settled. A mark has two slots
// that are written in turn, so that one of them is always whole:
//   16 name (first octets of its SHA-256) ‖ u32 turn ‖ 16 log id ‖ u64 number ‖ u32 segment ‖ u64 offset ‖ u32 part
//   ‖ u32 CRC-32C
const SLOT = 64
const FILE = 'marks'
const datasync = promisify(fdatasync)

/** How far a queue has been settled: the last batch that needs no more work. */
export interface Mark {
  readonly stream: Uint8Array
  readonly number: number
  /** Where the record behind it begins. */
  readonly place: Place
  /** Entries of the batch behind it that are settled already; default none. */
  readonly part?: number
}

/**
 * The marks of a journal. Setting one is a single short write, so that what a kill can undo is the one batch that is
 * being settled; a power cut can undo what was set since the last {@link sync}. A write that fails, as on a full disk, is
 * made up for by the next one that does not: until then a kill can undo more.
 */
export class Marks {
  readonly #fd: number
  readonly #marks = new Map<string, { mark: Mark; turn: number; at: number }>()
  #end = 0
  #dirty = false
  /** Slots that could not be written, by their place in the file. */
  readonly #owed = new Map<number, Buffer>()

  private constructor(fd: number) {
    this.#fd = fd
  }

  /** Throws `UsageError` `journal.open`. */
  static open(directory: string): Marks {
    const path = join(directory, FILE)
    try {
      const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0)
      const marks = new Marks(openSync(path, existsSync(path) ? 'r+' : 'w+', 0o600))
      marks.#read(bytes)
      return marks
    } catch (error) {
      throw new UsageError('journal.open', `cannot use ${path}: ${describeError(error)}`, {}, error)
    }
  }

  /** The marks of a journal that another process may be writing to, by name (in hex, hashed). */
  static peek(directory: string): ReadonlyMap<string, Mark> {
    const marks = new Marks(-1)
    const path = join(directory, FILE)
    if (existsSync(path)) marks.#read(readFileSync(path))
    return new Map([...marks.#marks].map(([name, { mark }]) => [name, mark]))
  }

  static key(name: string): string {
    return toHex(sha256(Buffer.from(name, 'utf8')).subarray(0, 16))
  }

  get(name: string): Mark | undefined {
    return this.#marks.get(Marks.key(name))?.mark
  }

  set(name: string, mark: Mark): void {
    const key = Marks.key(name)
    const known = this.#marks.get(key)
    const turn = known === undefined ? 1 : (known.turn + 1) >>> 0
    const at = known?.at ?? this.#end
    if (known === undefined) this.#end += 2 * SLOT
    const slot = Buffer.alloc(SLOT)
    slot.write(key, 0, 16, 'hex')
    slot.writeUInt32BE(turn, 16)
    slot.set(mark.stream, 20)
    slot.writeBigUInt64BE(BigInt(mark.number), 36)
    slot.writeUInt32BE(mark.place.segment, 44)
    slot.writeBigUInt64BE(BigInt(mark.place.offset), 48)
    slot.writeUInt32BE(mark.part ?? 0, 56)
    slot.writeUInt32BE(crc32c(slot, 0, 60), 60)
    this.#marks.set(key, { mark, turn, at })
    this.#dirty = true
    this.#owed.set(at + (turn % 2) * SLOT, slot)
    try {
      this.#write()
    } catch {
      // Owed.
    }
  }

  #write(): void {
    for (const [at, slot] of this.#owed) {
      writeSync(this.#fd, slot, 0, SLOT, at)
      this.#owed.delete(at)
    }
  }

  /** Puts what was set onto the disk. Rejects where that fails; the next one tries again. */
  async sync(): Promise<void> {
    if (!this.#dirty) return
    this.#write()
    this.#dirty = false
    try {
      await datasync(this.#fd)
    } catch (error) {
      this.#dirty = true
      throw error
    }
  }

  close(): void {
    closeSync(this.#fd)
  }

  #read(bytes: Buffer): void {
    for (let at = 0; at + SLOT <= bytes.length; at += SLOT) {
      const slot = bytes.subarray(at, at + SLOT)
      if (crc32c(slot, 0, 60) !== slot.readUInt32BE(60)) continue
      const key = slot.toString('hex', 0, 16)
      const turn = slot.readUInt32BE(16)
      const known = this.#marks.get(key)
      if (known !== undefined && known.turn > turn) continue
      const place = { segment: slot.readUInt32BE(44), offset: Number(slot.readBigUInt64BE(48)) }
      const stream = Uint8Array.from(slot.subarray(20, 36))
      const mark = { stream, number: Number(slot.readBigUInt64BE(36)), place, part: slot.readUInt32BE(56) }
      this.#marks.set(key, { mark, turn, at: at - (at % (2 * SLOT)) })
    }
    this.#end = Math.ceil(bytes.length / (2 * SLOT)) * 2 * SLOT
  }
}
