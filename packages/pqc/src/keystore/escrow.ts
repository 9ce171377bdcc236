import { randomBytes } from 'node:crypto'
import type { Pkcs11KeyStore } from './pkcs11-store.ts'
import { combineShares, splitSecret } from './secret-sharing.ts'
import type { Share } from './secret-sharing.ts'

/**
 * The key ceremony: makes a wrapping key, gives it to the token, from which it cannot be had again, and to custodians
 * as shares of which `threshold` bring it back. A backup is the store's folder; together with the shares it opens on
 * any token. Throws as {@link splitSecret} and `UsageError` `pqc.hsm.exists`.
 */
export function escrowWrappingKey(store: Pkcs11KeyStore, threshold: number, count: number): readonly Share[] {
  const [key, id] = [randomBytes(32), randomBytes(16)]
  try {
    const shares = splitSecret(key, id, threshold, count)
    store.installWrappingKey(key, id)
    return shares
  } finally {
    key.fill(0)
  }
}

/** Puts the wrapping key of a backup into another token. Throws as {@link combineShares}. */
export function restoreWrappingKey(store: Pkcs11KeyStore, shares: readonly Share[]): void {
  const key = combineShares(shares)
  try {
    store.installWrappingKey(key, shares[0]!.id)
  } finally {
    key.fill(0)
  }
}
