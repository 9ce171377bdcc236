import type { VerifyingKey } from '@gridseal/pqc'
import type { IncomingOptions } from '#src/site/incoming.ts'

/** One key may sign, and none that it signs for. */
export function trusting(key: VerifyingKey): IncomingOptions['signers'] {
  return {
    key: (fingerprint) => (Buffer.compare(fingerprint, key.fingerprint) === 0 ? key : undefined),
    takes: () => false,
  }
}
