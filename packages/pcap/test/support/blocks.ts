import type { Bytes } from './frames.ts'
import { join } from './frames.ts'

/** Writes captures field by field in either byte order: what the writers of the package do not do is made here. */
export class CaptureBytes {
  readonly #little: boolean
  readonly #parts: Uint8Array[] = []

  constructor(little: boolean) {
    this.#little = little
  }

  u8(...values: number[]): this {
    this.#parts.push(new Uint8Array(values))
    return this
  }
  u16(...values: number[]): this {
    for (const value of values) this.#view(2, (view) => view.setUint16(0, value, this.#little))
    return this
  }
  u32(...values: number[]): this {
    for (const value of values) this.#view(4, (view) => view.setUint32(0, value, this.#little))
    return this
  }
  i64(value: bigint): this {
    this.#view(8, (view) => view.setBigInt64(0, value, this.#little))
    return this
  }
  bytes(value: Uint8Array): this {
    this.#parts.push(value)
    return this
  }
  /** Pads what was written so far to a multiple of four. */
  pad(): this {
    return this.bytes(new Uint8Array(-this.finish().length & 3))
  }
  finish(): Bytes {
    return join(...this.#parts)
  }

  #view(length: number, set: (view: DataView) => void): void {
    const bytes = new Uint8Array(length)
    set(new DataView(bytes.buffer))
    this.#parts.push(bytes)
  }
}

/** The header of a classic pcap file. */
export function pcapHeader(little: boolean, magic: number, network: number, snapLength = 65_535): Bytes {
  return new CaptureBytes(little).u32(magic).u16(2, 4).u32(0, 0, snapLength, network).finish()
}

/** A record of a classic pcap file. */
export function pcapRecord(
  little: boolean,
  seconds: number,
  fraction: number,
  bytes: Uint8Array,
  original = bytes.length,
): Bytes {
  return new CaptureBytes(little).u32(seconds, fraction, bytes.length, original).bytes(bytes).finish()
}

/** pcapng blocks in one byte order. */
export class Blocks {
  readonly little: boolean

  constructor(little: boolean) {
    this.little = little
  }

  new(): CaptureBytes {
    return new CaptureBytes(this.little)
  }

  /** Any block: type, length, padded body, length. */
  block(type: number, body: Uint8Array): Bytes {
    const padded = this.new().bytes(body).pad().finish()
    const length = padded.length + 12
    return this.new().u32(type, length).bytes(padded).u32(length).finish()
  }

  section(): Bytes {
    return this.block(0x0a0d0d0a, this.new().u32(0x1a2b3c4d).u16(1, 0).i64(-1n).finish())
  }

  /** Options as [code, value] pairs; the end-of-options mark is added when there are any. */
  interface(linkType: number, snapLength = 0, options: readonly (readonly [number, Uint8Array])[] = []): Bytes {
    return this.block(1, this.new().u16(linkType, 0).u32(snapLength).bytes(this.options(options)).finish())
  }

  options(options: readonly (readonly [number, Uint8Array])[]): Bytes {
    const parts = options.map(([code, value]) => this.new().u16(code, value.length).bytes(value).pad().finish())
    if (options.length > 0) parts.push(this.new().u16(0, 0).finish())
    return join(...parts)
  }

  enhanced(interfaceId: number, ticks: bigint, bytes: Uint8Array, original = bytes.length): Bytes {
    const body = this.new().u32(interfaceId, Number(ticks >> 32n), Number(ticks & 0xffff_ffffn))
    return this.block(6, body.u32(bytes.length, original).bytes(bytes).finish())
  }

  /** The obsolete Packet Block. */
  packet(interfaceId: number, ticks: bigint, bytes: Uint8Array): Bytes {
    const body = this.new()
      .u16(interfaceId, 0)
      .u32(Number(ticks >> 32n), Number(ticks & 0xffff_ffffn))
    return this.block(2, body.u32(bytes.length, bytes.length).bytes(bytes).finish())
  }

  simple(bytes: Uint8Array, original = bytes.length): Bytes {
    return this.block(3, this.new().u32(original).bytes(bytes).finish())
  }
}
