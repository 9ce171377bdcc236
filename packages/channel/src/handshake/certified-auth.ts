import { Reader, Writer } from '@gridseal/wire'
import type { Certificate, VerifyingKey } from '@gridseal/pqc'
import { readChain } from '../identity/certificate-chain.ts'
import type { CertificateTrust } from '../identity/certificate-trust.ts'
import { CONTENT } from '../record/content.ts'
import { checkSigned, expectKind, writeSignature } from './auth.ts'
import type { FinishedOf, Signed } from './auth.ts'
import { PROOF_LENGTH } from './key-schedule.ts'
import type { Role } from './key-schedule.ts'
import { extend } from './transcript.ts'

/*
 * certifiedAuth: 03 || chain || signatureLength u16 || signature || finished (32). The transcript takes in 03 || chain
 * first, so that the signature covers it; from there on it is as for `auth`.
 */

/** The transcript that the holder of a chain signs. */
export function certifiedTranscript(transcript: Uint8Array, chain: Uint8Array): Uint8Array {
  return extend(transcript, head(chain))
}

/** A `certifiedAuth` from a signature over {@link certifiedTranscript}, which is `transcript` here. */
export function signedCertifiedAuth(transcript: Uint8Array, signature: Uint8Array, chain: Uint8Array): Signed {
  const start = head(chain)
  const content = new Uint8Array(start.length + 2 + signature.length + PROOF_LENGTH)
  content.set(start)
  return { content, transcript: writeSignature(content, start.length, start.length, signature, transcript) }
}

/** Who has shown which certificate, and the transcript after it. */
export interface Certified {
  readonly key: VerifyingKey
  readonly leaf: Certificate
  readonly transcript: Uint8Array
}

/**
 * Checks the peer's `certifiedAuth`. The Finished comes first, then the chain, then the signature by its leaf. Throws
 * as `checkAuth`, `readChain` and {@link CertificateTrust.verify} do.
 */
export function checkCertifiedAuth(
  content: Uint8Array,
  trust: CertificateTrust,
  role: Role,
  transcript: Uint8Array,
  finishedOf: FinishedOf,
): Certified {
  const r = new Reader(content)
  expectKind(r, CONTENT.certifiedAuth)
  const chain = readChain(r)
  const signing = extend(transcript, content.subarray(0, r.offset))
  let key: VerifyingKey | undefined
  const after = checkSigned(content, r, () => (key = trust.verify(chain, role)), role, signing, finishedOf)
  return { key: key!, leaf: chain[0], transcript: after }
}

function head(chain: Uint8Array): Uint8Array {
  return new Writer(1 + chain.length).u8(CONTENT.certifiedAuth).bytes(chain).finish()
}
