import { open } from 'node:fs/promises'
import { UsageError } from '@gridseal/wire'
import type { Packet } from '../packet.ts'
import { CaptureDecoder } from './capture-decoder.ts'
import type { CaptureInfo, CaptureProblem } from './format.ts'

/** Where a capture's bytes come from: a path, or chunks in order (a stream, an array, a generator). */
export type CaptureSource = string | URL | AsyncIterable<Uint8Array> | Iterable<Uint8Array>

export interface OpenCaptureOptions {
  /** Bytes read from a file at a time; default 512 KiB. */
  readonly chunkSize?: number
  /** Bytes of a file that are read at most; default all, also what is written to it meanwhile. */
  readonly maxBytes?: number
}

const CHUNK_SIZE = 512 * 1024
/**
 * Bytes of a chunk that make a batch: packets, and what becomes of them, are to be done with before the garbage
 * collector meets them, for what it meets twice it carries along.
 */
const BATCH_SIZE = 32 * 1024

/**
 * A capture being read. Iterating it gives the packets in batches, so that the cost of waiting is shared by hundreds of
 * packets; memory stays constant however large the capture is. It can be iterated once.
 */
export class Capture implements AsyncIterable<Packet[]> {
  readonly #chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  readonly #decoder = new CaptureDecoder()
  #isBegun = false

  constructor(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    this.#chunks = chunks
  }

  /** What the capture says about itself; undefined until the first batch. */
  get info(): CaptureInfo | undefined {
    return this.#decoder.info
  }

  /** After the iteration: why it ended before the end of the file, if it did. */
  get problem(): CaptureProblem | undefined {
    return this.#decoder.problem
  }

  /**
   * Throws `DecodeError` `pcap.magic` if the source is not a capture, what the source throws, and `UsageError`
   * `pcap.read.again` the second time.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Packet[], void, undefined> {
    if (this.#isBegun) throw new UsageError('pcap.read.again', 'a capture can be iterated once: open it again')
    this.#isBegun = true
    for await (const chunk of this.#chunks) {
      for (let at = 0; at < chunk.length; at += BATCH_SIZE) {
        const packets = this.#decoder.push(chunk.subarray(at, at + BATCH_SIZE))
        if (packets.length > 0) yield packets
        if (this.#decoder.problem !== undefined) return
      }
    }
    this.#decoder.finish()
  }
}

/**
 * Opens a capture, pcap or pcapng, of any size. Nothing is read before the iteration begins; leaving the loop early
 * closes the file. Throws `UsageError` `pcap.read.option` for an impossible chunk size.
 *
 * @example
 * const capture = openCapture('station.pcapng')
 * for await (const packets of capture) for (const packet of packets) console.log(packet.number, packet.time)
 * if (capture.problem !== undefined) console.error(capture.problem.reason)
 */
export function openCapture(source: CaptureSource, options: OpenCaptureOptions = {}): Capture {
  const { chunkSize = CHUNK_SIZE } = options
  if (!Number.isSafeInteger(chunkSize) || chunkSize <= 0) {
    throw new UsageError('pcap.read.option', `chunkSize must be a positive integer, not ${chunkSize}`)
  }
  const isFile = typeof source === 'string' || source instanceof URL
  return new Capture(isFile ? fileChunks(source, chunkSize, options.maxBytes ?? Infinity) : source)
}

/** A whole capture in memory, read at once. Throws `DecodeError` `pcap.magic`. */
export function readCapture(bytes: Uint8Array): {
  readonly packets: Packet[]
  readonly info: CaptureInfo | undefined
  readonly problem: CaptureProblem | undefined
} {
  const decoder = new CaptureDecoder()
  const packets = decoder.push(bytes)
  decoder.finish()
  return { packets, info: decoder.info, problem: decoder.problem }
}

/** Every chunk is a buffer of its own, because packets keep views of it. The next one is read while one is worked on. */
async function* fileChunks(
  path: string | URL,
  size: number,
  maxBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const file = await open(path, 'r')
  let left = maxBytes
  const read = async (): Promise<Uint8Array> => {
    const { buffer } = Buffer.allocUnsafeSlow(Math.min(size, left))
    const { bytesRead } = await file.read(new Uint8Array(buffer), 0, buffer.byteLength)
    left -= bytesRead
    // No Buffer: its `subarray`, which is called for each packet, takes several times as long.
    return new Uint8Array(buffer, 0, bytesRead)
  }
  let next = read()
  try {
    for (;;) {
      const chunk = await next
      if (chunk.length === 0) return
      next = read()
      // Who leaves the loop early never asks for it: its failure is then nobody's.
      next.catch(() => {})
      yield chunk
    }
  } finally {
    await next.catch(() => {})
    await file.close()
  }
}
