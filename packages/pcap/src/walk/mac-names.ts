import { toHex } from '@gridseal/wire'

/** More stations than any one network has; a capture with more starts the cache afresh. */
const MOST_NAMES = 4096

/** Text forms of MAC addresses, made once per address. */
export class MacNames {
  readonly #names = new Map<number, string>()

  /** `xx:xx:xx:xx:xx:xx` for the six bytes at `at`, which must be there. */
  text(bytes: Uint8Array, at: number): string {
    const high = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
    const low = (bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!
    const key = high * 0x100_0000 + low
    const known = this.#names.get(key)
    if (known !== undefined) return known
    if (this.#names.size >= MOST_NAMES) this.#names.clear()
    const text = toHex(bytes.subarray(at, at + 6), ':')
    this.#names.set(key, text)
    return text
  }
}
