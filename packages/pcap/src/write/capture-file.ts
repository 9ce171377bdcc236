import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import type { CaptureWriter, PacketRecord } from './capture-writer.ts'

/** Bytes gathered before the file is touched. */
const BLOCK_SIZE = 256 * 1024

/**
 * A capture file being written. Memory stays constant: await each `write` and the disk sets the pace.
 *
 * @example
 * const file = await CaptureFile.create('link.pcapng', new PcapngWriter())
 * await file.write([{ time: 0n, linkType: LINK_TYPE.USER0, bytes: fromHex('11 03 006b 0003 7687') }])
 * await file.close()
 */
export class CaptureFile {
  readonly #file: FileHandle
  readonly #writer: CaptureWriter

  private constructor(file: FileHandle, writer: CaptureWriter) {
    this.#file = file
    this.#writer = writer
  }

  /** Makes the file, or empties it if it exists. Throws what the file system says. */
  static async create(path: string | URL, writer: CaptureWriter): Promise<CaptureFile> {
    return new CaptureFile(await open(path, 'w'), writer)
  }

  /** Appends packets. Calls must not overlap. */
  async write(packets: Iterable<PacketRecord>): Promise<void> {
    for (const packet of packets) {
      this.#writer.add(packet)
      if (this.#writer.pending >= BLOCK_SIZE) await this.flush()
    }
  }

  /** Hands everything to the operating system. */
  async flush(): Promise<void> {
    if (this.#writer.pending > 0) await this.#file.writeFile(this.#writer.take())
  }

  /** Flushes and closes. */
  async close(): Promise<void> {
    try {
      await this.flush()
    } finally {
      await this.#file.close()
    }
  }
}
