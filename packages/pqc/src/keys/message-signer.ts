import type { SignOptions } from '../providers/provider.ts'
import type { VerifyingKey } from './verifying-key.ts'

/**
 * What signs messages: a `SigningKey` in this process, or a key in a token. Whoever only signs should ask for this and
 * not for a SigningKey.
 */
export interface MessageSigner {
  readonly publicKey: VerifyingKey
  /** The message must not change until the promise settles. */
  sign(message: Uint8Array, options?: SignOptions): Promise<Uint8Array>
}
