import { AeadKey, MacKey, equalBytes } from '@gridseal/pqc'
import { UsageError } from '@gridseal/wire'

/** MACs that real-time frames carry in their own security field (IEC 62351-6:2020 7, IEC TR 61850-90-5 8). */
export type FrameTagAlgorithm =
  'HMAC-SHA256-80' | 'HMAC-SHA256-128' | 'HMAC-SHA256-256' | 'AES-256-GMAC-64' | 'AES-256-GMAC-128'

const ALGORITHMS: Readonly<Record<FrameTagAlgorithm, { kind: 'hmac' | 'gmac'; tagLength: number }>> = {
  'HMAC-SHA256-80': { kind: 'hmac', tagLength: 10 },
  'HMAC-SHA256-128': { kind: 'hmac', tagLength: 16 },
  'HMAC-SHA256-256': { kind: 'hmac', tagLength: 32 },
  'AES-256-GMAC-64': { kind: 'gmac', tagLength: 8 },
  'AES-256-GMAC-128': { kind: 'gmac', tagLength: 16 },
}
const EMPTY = new Uint8Array(0)
const NONCE_LENGTH = 12

/** A key for the tags of frames, made once per epoch from `GroupMember.frameKey`. */
export class FrameTagKey {
  readonly #kind: 'hmac' | 'gmac'
  readonly #length: number
  readonly #mac: MacKey | undefined
  readonly #gmac: AeadKey | undefined

  /** `key`: 32 bytes. */
  constructor(algorithm: FrameTagAlgorithm, key: Uint8Array) {
    const { kind, tagLength } = ALGORITHMS[algorithm]
    this.#kind = kind
    this.#length = tagLength
    if (kind === 'hmac') this.#mac = new MacKey(key)
    else this.#gmac = new AeadKey('AES-256-GCM', key)
  }

  /** Octets of a tag. */
  get length(): number {
    return this.#length
  }

  /**
   * The tag of a frame. GMAC needs a nonce of 12 bytes that is never used twice with a key: make it from who sends and a
   * number that only grows. Throws `UsageError` `group.nonce` without one.
   */
  tag(frame: Uint8Array, nonce?: Uint8Array): Uint8Array {
    if (this.#kind === 'hmac') return (this.#mac as MacKey).hmacSha256(frame).subarray(0, this.#length)
    if (nonce?.length !== NONCE_LENGTH)
      throw new UsageError('group.nonce', `GMAC needs a nonce of ${NONCE_LENGTH} bytes`)
    return (this.#gmac as AeadKey).seal(nonce, EMPTY, frame).subarray(0, this.#length)
  }

  /** Whether `tag` is the frame's, at its full length. */
  verify(frame: Uint8Array, tag: Uint8Array, nonce?: Uint8Array): boolean {
    return equalBytes(tag, this.tag(frame, nonce))
  }
}
