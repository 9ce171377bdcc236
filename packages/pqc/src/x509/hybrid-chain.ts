import { AuthError } from '@gridseal/wire'
import { signatureInfo } from '../algorithms/lookup.ts'
import { equalBytes } from '../symmetric/bytes.ts'
import type { Certificate } from './certificate.ts'
import { verifyChain } from './verify-chain.ts'
import type { ChainOptions, VerifiedChain } from './verify-chain.ts'

/** Two certificates of one subject: a classical one, and a post-quantum one that names it by hash (RFC 9763). */
export interface HybridPair {
  readonly classical: Certificate
  readonly postQuantum: Certificate
}

/**
 * Checks both chains and that they belong together: the post-quantum certificate holds the hash of the classical one,
 * both are of one subject with the same alternative names. The pair is as good as the better of the two. Throws as
 * {@link verifyChain}, and {@link AuthError} `pqc.cert.hybrid`.
 */
export function verifyHybridChains(
  { classical, postQuantum }: HybridPair,
  options: Readonly<Record<keyof HybridPair, ChainOptions>>,
): Readonly<Record<keyof HybridPair, VerifiedChain>> {
  if (category(classical) > 0 || category(postQuantum) === 0) {
    throw unrelated('one of the two must be classical and the other post-quantum')
  }
  const related = postQuantum.extensions.relatedCertificate
  if (related === undefined || !equalBytes(related, classical.fingerprint)) {
    throw unrelated('the post-quantum certificate does not name the classical one')
  }
  if (!equalBytes(classical.subject.der, postQuantum.subject.der)) throw unrelated('they are of two subjects')
  const [ours, theirs] = [classical.extensions.subjectAltName ?? [], postQuantum.extensions.subjectAltName ?? []]
  const key = ({ type, value }: (typeof ours)[number]): string =>
    `${type}:${Buffer.from(value as string).toString('hex')}`
  if (ours.map(key).sort().join() !== theirs.map(key).sort().join()) throw unrelated('their names differ')
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
