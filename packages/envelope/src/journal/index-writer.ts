import { open, rename, rm, writeFile } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { SegmentCipher } from './cipher.ts'
import { entryChunk, indexHeader, indexName, summaryChunk } from './index-file.ts'
import type { OpenSegment } from './segment-file.ts'
import { writeAll } from './segment-file.ts'
import type { SegmentIndex } from './segment-index.ts'

/** Entries that are gathered before they are written. */
const GATHER = 512

/**
 * Writes the index of a finished segment that had lost it, in one step. One that cannot be written is made anew the next
 * time.
 */
export async function writeIndex(
  directory: string,
  { segment, entries, summary }: SegmentIndex,
  cipher: SegmentCipher | undefined,
): Promise<void> {
  const path = join(directory, indexName(segment))
  const chunks: Uint8Array[] = [indexHeader(segment)]
  let offset = indexHeader(segment).length
  for (let i = 0; i < entries.length; i += GATHER) {
    const chunk = entryChunk(segment, offset, entries.slice(i, i + GATHER), cipher)
    chunks.push(chunk)
    offset += chunk.length
  }
  chunks.push(summaryChunk(offset, summary, cipher))
  try {
    await writeFile(`${path}.new`, Buffer.concat(chunks), { mode: 0o600 })
    await rename(`${path}.new`, path)
  } catch {
    await rm(`${path}.new`, { force: true }).catch(() => undefined)
  }
}

/**
 * Writes the index beside the segment that is being written. It is never synced and never in the way: one that cannot be
 * written, as on a full disk, ends there, and is made anew from the segment when it is needed.
 */
export class IndexWriter {
  readonly #segment: OpenSegment
  readonly #file: FileHandle | undefined
  #offset: number
  #written = 0
  #broken = false

  private constructor(segment: OpenSegment, file: FileHandle | undefined, offset: number) {
    this.#segment = segment
    this.#file = file
    this.#offset = offset
  }

  /** Begins the index of a segment, with what the segment holds already. */
  static async begin(directory: string, segment: OpenSegment): Promise<IndexWriter> {
    const header = indexHeader(segment.number)
    const file = await open(join(directory, indexName(segment.number)), 'w', 0o600).catch(() => undefined)
    const writer = new IndexWriter(segment, file, 0)
    await writer.#append(header)
    return writer
  }

  get due(): boolean {
    return this.#segment.index.entries.length - this.#written >= GATHER
  }

  /** Writes the entries that have come since. */
  async flush(): Promise<void> {
    const { number, cipher, index } = this.#segment
    const entries = index.entries.slice(this.#written)
    if (entries.length === 0) return
    this.#written += entries.length
    await this.#append(entryChunk(number, this.#offset, entries, cipher))
  }

  /** The segment is finished: so is its index. */
  async finish(): Promise<void> {
    await this.flush()
    await this.#append(summaryChunk(this.#offset, this.#segment.index.summary, this.#segment.cipher))
    await this.#file?.close()
  }

  /** The segment will be gone on with. */
  async close(): Promise<void> {
    await this.flush()
    await this.#file?.close()
  }

  async #append(chunk: Uint8Array): Promise<void> {
    if (this.#file === undefined || this.#broken) return
    try {
      await writeAll(this.#file, [chunk], this.#offset)
      this.#offset += chunk.length
    } catch {
      this.#broken = true
    }
  }
}
