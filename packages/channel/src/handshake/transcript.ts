import { publicSha512 } from '@gridseal/pqc'

/*
 * The transcript is a chain: t[0] = SHA-512(name of the protocol), t[n] = SHA-512(t[n-1] || message n). Signatures,
 * confirmations and keys are bound to the value at their place, so both ends agree on every byte before it. SHA-512 takes
 * a third of the time of SHA3-512 for a hello; that it can be extended does not matter where nothing in it is secret: hellos
 * are sent in clear, and an end that reads an auth knows all that is in it. Nothing is derived from a transcript without a
 * secret beside it.
 */

const PROTOCOL = new TextEncoder().encode('gridseal-channel-3')

/** The transcript before the first message, 64 bytes. */
export const EMPTY_TRANSCRIPT: Uint8Array = publicSha512(PROTOCOL)

/** Holds what is joined for one hash: hellos and auths without certificates fit. */
const SCRATCH = new Uint8Array(8192)

/** The transcript after one more message. Joined first: one call costs less than a hash object. */
export function extend(transcript: Uint8Array, message: Uint8Array): Uint8Array {
  const length = transcript.length + message.length
  const joined = length > SCRATCH.length ? new Uint8Array(length) : SCRATCH.subarray(0, length)
  joined.set(transcript)
  joined.set(message, transcript.length)
  return publicSha512(joined)
}
