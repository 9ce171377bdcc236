import { sha3_512 } from '@gridseal/pqc'

/*
 * The transcript is a chain: t[0] = SHA3-512(name of the protocol), t[n] = SHA3-512(t[n-1] || message n). Signatures,
 * confirmations and keys are bound to the value at their place, so both ends agree on every byte before it.
 */

const PROTOCOL = new TextEncoder().encode('gridseal-channel-2')

/** The transcript before the first message, 64 bytes. */
export const EMPTY_TRANSCRIPT: Uint8Array = sha3_512(PROTOCOL)

/** Holds what is joined for one hash: hellos and auths without certificates fit. */
const SCRATCH = new Uint8Array(8192)

/** The transcript after one more message. Joined first: one call costs less than a hash object. */
export function extend(transcript: Uint8Array, message: Uint8Array): Uint8Array {
  const length = transcript.length + message.length
  if (length > SCRATCH.length) return sha3_512(transcript, message)
  SCRATCH.set(transcript)
  SCRATCH.set(message, transcript.length)
  return sha3_512(SCRATCH.subarray(0, length))
}
