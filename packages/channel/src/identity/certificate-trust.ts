import { AuthError, UsageError } from '@gridseal/wire'
import { Certificate, verifyChain } from '@gridseal/pqc'
import type { RevocationList, VerifyingKey } from '@gridseal/pqc'
import type { Role } from '../handshake/key-schedule.ts'

export interface CertificateTrustOptions {
  /** Trust anchors, one at least. */
  readonly roots: readonly Certificate[]
  /** A DNS name, IP address or URI that the peer's certificate must name. Needed to connect. */
  readonly host?: string
  /** Whether a peer whose chain is good is let in; by its leaf. Default: every one. */
  readonly authorize?: (leaf: Certificate) => boolean
  /** The revocation lists of this moment. Default: none. */
  readonly revocationLists?: () => readonly RevocationList[]
  /** Every certificate below a root must be covered by a current list. Default false. */
  readonly requireRevocation?: boolean
  /** The time by which certificates are judged. Default: the system's. */
  readonly now?: () => Date
}

const NAMES = new Set(['roots', 'host', 'authorize', 'revocationLists', 'requireRevocation', 'now'])

/**
 * Whom to believe who is not pinned: whose certificates lead to a trust anchor, are valid now, may be used for
 * signatures and for the peer's role (clientAuth, serverAuth, where they are limited to some), name the host that is
 * wanted, and are not revoked.
 */
export class CertificateTrust {
  readonly host: string | undefined
  readonly #options: CertificateTrustOptions

  /** Throws {@link UsageError} `channel.option`. */
  constructor(options: CertificateTrustOptions) {
    for (const name of Object.keys(options)) {
      if (!NAMES.has(name)) throw new UsageError('channel.option', `there is no option "${name}"`, { name })
    }
    const { roots, host } = options
    if (!Array.isArray(roots) || roots.length === 0 || !roots.every((root) => root instanceof Certificate)) {
      throw new UsageError('channel.option', 'roots must be certificates, one at least')
    }
    if (host !== undefined && (typeof host !== 'string' || host === '')) {
      throw new UsageError('channel.option', 'host must be a name')
    }
    this.host = host
    this.#options = options
  }

  /**
   * The key of a peer in role `role` that has shown this chain. Throws {@link AuthError} as `verifyChain` does, and
   * `channel.certificate.refused`.
   */
  verify([leaf, ...intermediates]: readonly [Certificate, ...Certificate[]], role: Role): VerifyingKey {
    const { roots, revocationLists, requireRevocation = false, now, authorize } = this.#options
    verifyChain(leaf, {
      now: now?.() ?? new Date(),
      roots,
      intermediates,
      usage: 'digitalSignature',
      purpose: role === 'initiator' ? 'clientAuth' : 'serverAuth',
      revocationLists: revocationLists?.() ?? [],
      requireRevocation,
      ...(this.host === undefined ? {} : { host: this.host }),
    })
    if (authorize?.(leaf) === false) {
      const details = { subject: leaf.subject.text, serial: leaf.serial }
      throw new AuthError('channel.certificate.refused', `"${leaf.subject.text}" is not let in here`, details)
    }
    return leaf.publicKey()
  }
}
