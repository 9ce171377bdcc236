import { DecodeError } from '@gridseal/wire'
import type { Packet } from '../packet.ts'
import type { CaptureFormat, CaptureInfo, CaptureProblem, RecordProblem } from './format.ts'
import { PCAP_HEADER_LENGTH, PcapFormat } from './pcap-format.ts'
import { PcapngFormat } from './pcapng-format.ts'

/**
 * Reads a capture of either format from chunks of any size. Packets are views of the chunks, which must not be changed
 * afterwards; only a record that spans two chunks is copied. Memory held between calls is one unfinished record.
 *
 * A file that is cut off or damaged is not an error: the packets up to there are delivered, and {@link problem} says
 * where and why reading ended.
 */
export class CaptureDecoder {
  #format: CaptureFormat | undefined
  #problem: CaptureProblem | undefined
  /** File offset of the first byte of `#held`, or of the next chunk if nothing is held. */
  #offset = 0
  /** The beginning of a record whose end has not arrived. */
  #held: Uint8Array = new Uint8Array(0)
  #heldLength = 0

  /** What the capture says about itself; undefined until the file header has been read. */
  get info(): CaptureInfo | undefined {
    return this.#format?.info
  }

  /** Why reading ended before the end of the file, if it did. */
  get problem(): CaptureProblem | undefined {
    return this.#problem
  }

  /**
   * Takes the next chunk and returns the packets that it completes. Throws {@link DecodeError} `pcap.magic` if the file
   * is not a capture. After a {@link problem} everything further is ignored.
   */
  push(chunk: Uint8Array): Packet[] {
    const packets: Packet[] = []
    if (this.#problem !== undefined) return packets
    let at = 0
    if (this.#format === undefined) {
      at = this.#hold(chunk, 0, PCAP_HEADER_LENGTH)
      if (this.#heldLength < PCAP_HEADER_LENGTH) return packets
      this.#open()
    }
    if (this.#heldLength > 0) at = this.#finishHeld(chunk, at, packets)
    this.#readWhole(chunk, at, packets)
    return packets
  }

  /**
   * Call it once at the end of the file. A record left unfinished becomes the {@link problem}. Throws
   * {@link DecodeError} `pcap.magic` for a file too short to be a capture.
   */
  finish(): void {
    if (this.#problem !== undefined) return
    if (this.#format === undefined) {
      const start = new Uint8Array(PCAP_HEADER_LENGTH)
      start.set(this.#held.subarray(0, this.#heldLength))
      if (this.#heldLength < 4 || (PcapFormat.detect(start) ?? PcapngFormat.detect(start)) === undefined) {
        throw notACapture(start, this.#heldLength)
      }
      this.#fail({ code: 'pcap.header.truncated', reason: `the file ends inside its header` })
    } else if (this.#heldLength > 0) {
      const code = 'pcap.record.truncated'
      this.#fail({ code, reason: `the file ends ${this.#heldLength} bytes into a record` })
    }
  }

  #open(): void {
    const header = this.#held.subarray(0, this.#heldLength)
    const pcap = PcapFormat.detect(header)
    if (pcap !== undefined) {
      this.#format = pcap
      this.#heldLength = 0
      this.#offset = PCAP_HEADER_LENGTH
      return
    }
    // The section header is an ordinary block: it stays held and is read as the first record.
    this.#format = PcapngFormat.detect(header)
    if (this.#format === undefined) throw notACapture(header, header.length)
  }

  /** Completes the held record from the chunk; returns where the chunk goes on. */
  #finishHeld(chunk: Uint8Array, from: number, packets: Packet[]): number {
    const format = this.#format!
    let at = this.#hold(chunk, from, format.prefixLength)
    if (this.#heldLength < format.prefixLength) return at
    const length = format.measure(viewOf(this.#held), 0)
    if (typeof length !== 'number') return this.#fail(length)
    at = this.#hold(chunk, at, length)
    if (this.#heldLength < length) return at
    // The packet keeps this buffer, so the next held record gets a new one.
    const record = this.#held
    this.#held = new Uint8Array(0)
    this.#heldLength = 0
    const problem = format.read(record, viewOf(record), 0, length, packets)
    if (problem !== undefined) return this.#fail(problem)
    this.#offset += length
    return at
  }

  /** Reads the records that lie whole in the chunk and holds what is left. */
  #readWhole(chunk: Uint8Array, from: number, packets: Packet[]): void {
    if (this.#problem !== undefined || this.#heldLength > 0) return
    const format = this.#format!
    const view = viewOf(chunk)
    const prefix = format.prefixLength
    const base = this.#offset - from
    let at = from
    while (at + prefix <= chunk.length) {
      const length = format.measure(view, at)
      if (typeof length === 'number' && at + length > chunk.length) break
      const problem = typeof length === 'number' ? format.read(chunk, view, at, at + length, packets) : length
      if (problem !== undefined) {
        this.#offset = base + at
        this.#fail(problem)
        return
      }
      at += length as number
    }
    this.#offset = base + at
    this.#hold(chunk, at, chunk.length - at)
  }

  /** Appends from the chunk until `want` bytes are held; returns where the chunk goes on. */
  #hold(chunk: Uint8Array, at: number, want: number): number {
    const count = Math.min(Math.max(0, want - this.#heldLength), chunk.length - at)
    if (count === 0) return at
    if (this.#held.length < this.#heldLength + count) {
      // Grown by what has arrived, never by what a length field claims.
      const room = new Uint8Array(Math.max(this.#heldLength + count, Math.min(want, this.#held.length * 2)))
      room.set(this.#held.subarray(0, this.#heldLength))
      this.#held = room
    }
    this.#held.set(chunk.subarray(at, at + count), this.#heldLength)
    this.#heldLength += count
    return at + count
  }

  #fail(problem: RecordProblem): number {
    this.#problem = { code: problem.code, offset: this.#offset, reason: problem.reason }
    this.#held = new Uint8Array(0)
    this.#heldLength = 0
    return 0
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function notACapture(start: Uint8Array, length: number): DecodeError {
  const gzip = length >= 2 && start[0] === 0x1f && start[1] === 0x8b
  const message =
    length < 4
      ? `a file of ${length} bytes is not a capture`
      : gzip
        ? 'this is a gzip file: decompress it first'
        : 'neither a pcap nor a pcapng file'
  return new DecodeError('pcap.magic', 0, 'magic', message)
}
