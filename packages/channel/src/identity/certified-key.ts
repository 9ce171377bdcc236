import { UsageError } from '@gridseal/wire'
import { SigningKey } from '@gridseal/pqc'
import type { Certificate, VerifyingKey } from '@gridseal/pqc'
import { encodeChain } from './certificate-chain.ts'

/**
 * Own identity with the certificates that vouch for it. Who has our key pinned needs no certificate and is shown none.
 *
 * @example
 * const identity = CertifiedKey.of(key, [leaf, intermediate])
 * await connectChannel(connection, { identity, peer: new CertificateTrust({ roots: [root], host: 'head-end.example' }) })
 */
export class CertifiedKey {
  readonly key: SigningKey
  /** The leaf first; the root need not be among them. */
  readonly chain: readonly Certificate[]
  /** The chain as it is sent; do not write to it. */
  readonly encoded: Uint8Array

  private constructor(key: SigningKey, chain: readonly Certificate[]) {
    this.key = key
    this.chain = [...chain]
    this.encoded = encodeChain(chain)
  }

  /**
   * Throws {@link UsageError} `channel.certificate.key` where the first certificate is not for this key, and
   * `channel.certificate.chain` where there are none, too many or too large ones.
   */
  static of(key: SigningKey, chain: readonly Certificate[]): CertifiedKey {
    const [leaf] = chain
    if (!(key instanceof SigningKey) || leaf === undefined || leaf.keyAlgorithm.kind !== 'signature') {
      throw new UsageError('channel.certificate.key', 'a signature key and its certificates are needed')
    }
    if (!leaf.publicKey().equals(key.publicKey)) {
      throw new UsageError('channel.certificate.key', `the certificate of "${leaf.subject.text}" is for another key`)
    }
    return new CertifiedKey(key, chain)
  }

  get publicKey(): VerifyingKey {
    return this.key.publicKey
  }

  toJSON(): string {
    return this.publicKey.fingerprintText
  }
}
