import { Reader, Writer } from '@gridseal/wire'
import type { Certificate, VerifyingKey } from '@gridseal/pqc'
import { readChain } from '../identity/certificate-chain.ts'
import type { CertificateTrust } from '../identity/certificate-trust.ts'
import { CONTENT } from '../record/content.ts'
import { checkSigned, expectKind, makeSigned } from './auth.ts'
import type { Proof } from './auth.ts'
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

/** The sender's `certifiedAuth`, from a signature over {@link certifiedTranscript}, which is `transcript` here. */
export function makeCertifiedAuth(
  master: Uint8Array,
  role: Role,
  transcript: Uint8Array,
  signature: Uint8Array,
  chain: Uint8Array,
): Proof {
  return makeSigned(head(chain), master, role, transcript, signature)
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
  master: Uint8Array,
  role: Role,
  transcript: Uint8Array,
): Certified {
  const r = new Reader(content)
  expectKind(r, CONTENT.certifiedAuth)
  const chain = readChain(r)
  const signing = extend(transcript, content.subarray(0, r.offset))
  let key: VerifyingKey | undefined
  const after = checkSigned(content, r, () => (key = trust.verify(chain, role)), master, role, signing)
  return { key: key!, leaf: chain[0], transcript: after }
}

function head(chain: Uint8Array): Uint8Array {
  return new Writer(1 + chain.length).u8(CONTENT.certifiedAuth).bytes(chain).finish()
}
