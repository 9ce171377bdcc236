import { AuthError, DecodeError, InternalError } from '@gridseal/wire'
import type { AlgorithmName } from '../algorithms/info.ts'
import type { ProviderName } from './provider.ts'

/**
 * What a provider can still report after arguments were checked, in one taxonomy for all providers. The error that it
 * threw is kept as `cause`; inputs are never part of an error.
 */
export interface Operation {
  readonly provider: ProviderName
  readonly algorithm: AlgorithmName | 'X25519'
  readonly operation: 'import' | 'sign' | 'verify' | 'encapsulate' | 'decapsulate' | 'agree'
}

/** A public key of the right length that is no key, e.g. ML-KEM coefficients that are not reduced (FIPS 203 7.2). */
export function invalidKey(operation: Operation, cause: unknown): DecodeError {
  return new DecodeError(
    'pqc.key.invalid',
    0,
    'publicKey',
    `not a valid ${operation.algorithm} key`,
    { ...operation },
    cause,
  )
}

/** An X25519 share of small order: the secret would not depend on our key (RFC 7748 6.1). */
export function lowOrder(operation: Operation, cause: unknown): AuthError {
  return new AuthError('pqc.x25519.low-order', 'the peer sent an X25519 point of low order', { ...operation }, cause)
}

/** Anything else is a defect of ours or of the provider. */
export function providerFailed(operation: Operation, cause: unknown): InternalError {
  const { provider, algorithm, operation: name } = operation
  const message = `${algorithm} ${name} failed in provider ${provider}`
  return new InternalError('pqc.provider.failed', message, { ...operation }, cause)
}
