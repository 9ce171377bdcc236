import { AuthError } from '@gridseal/wire'
import { signatureInfo } from '../algorithms/lookup.ts'
import { needKnown } from '../check.ts'
import { equalBytes } from '../symmetric/bytes.ts'
import type { Certificate } from './certificate.ts'
import { verifyChain } from './verify-chain.ts'
import type { ChainOptions, VerifiedChain } from './verify-chain.ts'

/**
 * Two certificates of one subject that name each other. The classical one is issued first and holds the post-quantum key
 * (X.509 9.8.2, subjectAltPublicKeyInfo); the post-quantum one holds the hash of the classical one (RFC 9763). So neither
 * can be exchanged, and neither waits for the other.
 */
export interface HybridPair {
  readonly classical: Certificate
  readonly postQuantum: Certificate
}

export interface HybridOptions extends Readonly<Record<keyof HybridPair, ChainOptions>> {
  /**
   * `mutual` (default): each certificate names the other. `related`: it is enough that the post-quantum one names the
   * classical one, as with issuers that follow RFC 9763 alone; nothing in the classical one then says that it has a
   * partner, or which.
   */
  readonly binding?: 'mutual' | 'related'
}

/**
 * Checks both chains and that they belong together: each certificate names the other, both are of one subject with the
 * same alternative names. The pair is as good as the better of the two. Throws as {@link verifyChain}, and
 * {@link AuthError} `pqc.cert.hybrid`.
 */
export function verifyHybridChains(
  { classical, postQuantum }: HybridPair,
  options: HybridOptions,
): Readonly<Record<keyof HybridPair, VerifiedChain>> {
  needKnown(options, ['classical', 'postQuantum', 'binding'])
  if (category(classical) > 0 || category(postQuantum) === 0) {
    throw unrelated('one of the two must be classical and the other post-quantum')
  }
  const related = postQuantum.extensions.relatedCertificate
  if (related === undefined || !equalBytes(related, classical.fingerprint)) {
    throw unrelated('the post-quantum certificate does not name the classical one')
  }
  const key = classical.extensions.subjectAltPublicKeyInfo
  const named = key !== undefined && equalBytes(key, postQuantum.spki)
  if (!named && (key !== undefined || options.binding !== 'related')) {
    throw unrelated('the classical certificate does not name the post-quantum key')
  }
  if (!equalBytes(classical.subject.der, postQuantum.subject.der)) throw unrelated('they are of two subjects')
  const [ours, theirs] = [classical.extensions.subjectAltName ?? [], postQuantum.extensions.subjectAltName ?? []]
  const text = ({ type, value }: (typeof ours)[number]): string =>
    `${type}:${Buffer.from(value as string).toString('hex')}`
  if (ours.map(text).sort().join() !== theirs.map(text).sort().join()) throw unrelated('their names differ')
  return {
    classical: verifyChain(classical, options.classical),
    postQuantum: verifyChain(postQuantum, options.postQuantum),
  }
}

function category({ keyAlgorithm }: Certificate): number {
  return keyAlgorithm.kind === 'signature' ? signatureInfo(keyAlgorithm.name).category : keyAlgorithm.category
}

function unrelated(message: string): AuthError {
  return new AuthError('pqc.cert.hybrid', `the two certificates are no pair: ${message}`)
}
