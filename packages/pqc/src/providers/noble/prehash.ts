import type { CHash } from '@noble/hashes/utils.js'
import type { PrehashName } from '../prehash.ts'
import { sha2, sha3 } from './load.ts'

/** noble's hash of a name; SHAKE with the output lengths of FIPS 204 5.4.1: 32 and 64 bytes. */
export function nobleHash(name: PrehashName): CHash {
  switch (name) {
    case 'SHA2-224':
      return sha2().sha224
    case 'SHA2-256':
      return sha2().sha256
    case 'SHA2-384':
      return sha2().sha384
    case 'SHA2-512':
      return sha2().sha512
    case 'SHA2-512/224':
      return sha2().sha512_224
    case 'SHA2-512/256':
      return sha2().sha512_256
    case 'SHA3-224':
      return sha3().sha3_224
    case 'SHA3-256':
      return sha3().sha3_256
    case 'SHA3-384':
      return sha3().sha3_384
    case 'SHA3-512':
      return sha3().sha3_512
    case 'SHAKE-128':
      return sha3().shake128_32
    case 'SHAKE-256':
      return sha3().shake256_64
  }
}
