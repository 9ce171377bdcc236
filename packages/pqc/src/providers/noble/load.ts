import { createRequire } from 'node:module'
import type * as Ed25519 from '@noble/curves/ed25519.js'
import type * as Nist from '@noble/curves/nist.js'
import type * as Sha2 from '@noble/hashes/sha2.js'
import type * as Sha3 from '@noble/hashes/sha3.js'
import type * as Falcon from '@noble/post-quantum/falcon.js'
import type * as MlDsa from '@noble/post-quantum/ml-dsa.js'
import type * as MlKem from '@noble/post-quantum/ml-kem.js'
import type * as SlhDsa from '@noble/post-quantum/slh-dsa.js'
import type { AlgorithmName } from '../../algorithms/info.ts'
import type { GroupName, Operation } from '../provider.ts'

/*
 * @noble/post-quantum and @noble/curves: plain JavaScript, 7 to 20 times slower than native, and not claimed to be
 * constant-time. Beware of their argument orders: verify(signature, message, key), decapsulate(ciphertext, key). They
 * are loaded at first use: a process on the native provider never pays for them.
 */
const load = createRequire(import.meta.url)

export const mlDsa: () => typeof MlDsa = once(() => load('@noble/post-quantum/ml-dsa.js') as typeof MlDsa)
export const slhDsa: () => typeof SlhDsa = once(() => load('@noble/post-quantum/slh-dsa.js') as typeof SlhDsa)
export const falcon: () => typeof Falcon = once(() => load('@noble/post-quantum/falcon.js') as typeof Falcon)
export const mlKem: () => typeof MlKem = once(() => load('@noble/post-quantum/ml-kem.js') as typeof MlKem)
export const ed25519: () => typeof Ed25519 = once(() => load('@noble/curves/ed25519.js') as typeof Ed25519)
export const nist: () => typeof Nist = once(() => load('@noble/curves/nist.js') as typeof Nist)
export const sha2: () => typeof Sha2 = once(() => load('@noble/hashes/sha2.js') as typeof Sha2)
export const sha3: () => typeof Sha3 = once(() => load('@noble/hashes/sha3.js') as typeof Sha3)

export function nobleOperation(algorithm: AlgorithmName | GroupName, operation: Operation['operation']): Operation {
  return { provider: 'noble', algorithm, operation }
}

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}
