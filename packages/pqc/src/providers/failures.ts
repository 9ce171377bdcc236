import { AuthError, DecodeError, InternalError } from '@gridseal/wire'
import type { Operation } from './provider.ts'

/*
 * What a provider can still report after arguments were checked, in one taxonomy for all providers. The error that it
 * threw is kept as `cause`; inputs are never part of an error.
 */

/**
 * A key of the right length that is no key: ML-KEM coefficients that are not reduced (FIPS 203 7.2), a point that is
 * not on its curve, a private scalar out of range.
 */
export function invalidKey(operation: Operation, cause?: unknown, field = 'publicKey'): DecodeError {
  const message = `not a valid ${operation.algorithm} key`
  return new DecodeError('pqc.key.invalid', 0, field, message, { ...operation }, cause)
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
