import { createHash } from 'node:crypto'
import { InternalError } from '@gridseal/wire'
import type { HybridKemAlgorithm, MlKemAlgorithm } from '../algorithms/info.ts'
import { kemInfo } from '../algorithms/lookup.ts'
import { scalarInRange } from '../keys/scalar.ts'
import { plainBytes } from '../symmetric/bytes.ts'
import type { Agreement, Decapsulator, Encapsulation, Encapsulator, GroupName, KemImplementation } from './provider.ts'

/*
 * ML-KEM with an elliptic curve (draft-irtf-cfrg-concrete-hybrid-kems, X-Wing: draft-connolly-cfrg-xwing-kem):
 *
 *   SHAKE256(seed) = d || z || randomness of the scalar
 *   keys, ciphertexts = ML-KEM's || the curve's
 *   secret = SHA3-256(ss_M || ss_T || ct_T || pk_T || label)
 *
 * ML-KEM's ciphertext need not be hashed: ML-KEM binds it already.
 */

interface Construction {
  readonly mlKem: MlKemAlgorithm
  readonly group: GroupName
  readonly label: string
  /** Bytes of randomness from which a scalar is made: P-256 rejects one in 2^32, so four are drawn. */
  readonly scalarRandomness: number
  readonly scalarLength: number
}

const CONSTRUCTIONS: Readonly<Record<HybridKemAlgorithm, Construction>> = {
  'X-Wing': { mlKem: 'ML-KEM-768', group: 'X25519', label: '\\.//^\\', scalarRandomness: 32, scalarLength: 32 },
  'MLKEM768-P256': {
    mlKem: 'ML-KEM-768',
    group: 'P-256',
    label: 'MLKEM768-P256',
    scalarRandomness: 128,
    scalarLength: 32,
  },
  'MLKEM1024-P384': {
    mlKem: 'ML-KEM-1024',
    group: 'P-384',
    label: 'MLKEM1024-P384',
    scalarRandomness: 48,
    scalarLength: 48,
  },
}

type Agree = (group: GroupName, secret?: Uint8Array) => Agreement
type MlKem = (algorithm: MlKemAlgorithm) => KemImplementation

export function hybridKem(algorithm: HybridKemAlgorithm, mlKem: MlKem, agree: Agree): KemImplementation {
  const construction = CONSTRUCTIONS[algorithm]
  return {
    decapsulator: (seed) => new HybridDecapsulator(construction, seed, mlKem(construction.mlKem), agree),
    encapsulator: (publicKey) => new HybridEncapsulator(construction, publicKey, mlKem(construction.mlKem), agree),
  }
}

class HybridDecapsulator implements Decapsulator {
  readonly publicKey: Uint8Array
  readonly #construction: Construction
  readonly #mlKem: Decapsulator
  readonly #agreement: Agreement

  constructor(construction: Construction, seed: Uint8Array, mlKem: KemImplementation, agree: Agree) {
    // Past the gate of SHAKE: a policy that forbids it to others must not make the self-test of this one fail.
    const expanded = createHash('shake256', { outputLength: 64 + construction.scalarRandomness })
      .update(seed)
      .digest()
    this.#construction = construction
    this.#mlKem = mlKem.decapsulator(expanded.subarray(0, 64))
    this.#agreement = agree(construction.group, scalar(construction, expanded.subarray(64)))
    this.publicKey = plainBytes(Buffer.concat([this.#mlKem.publicKey, this.#agreement.publicKey]))
    expanded.fill(0)
  }

  decapsulate(ciphertext: Uint8Array): Uint8Array {
    const at = kemInfo(this.#construction.mlKem).ciphertextLength
    const theirs = ciphertext.subarray(at)
    const traditional = this.#agreement.agree(theirs)
    const postQuantum = this.#mlKem.decapsulate(ciphertext.subarray(0, at))
    return combine(this.#construction, postQuantum, traditional, theirs, this.#agreement.publicKey)
  }
}

/** Can also take the randomness as an argument where its ML-KEM can. */
export class HybridEncapsulator implements Encapsulator {
  readonly #construction: Construction
  readonly #mlKem: Encapsulator & { encapsulate(randomness?: Uint8Array): Encapsulation }
  readonly #peer: Uint8Array
  readonly #agree: Agree

  constructor(construction: Construction, publicKey: Uint8Array, mlKem: KemImplementation, agree: Agree) {
    const at = kemInfo(construction.mlKem).publicKeyLength
    this.#construction = construction
    this.#mlKem = mlKem.encapsulator(publicKey.subarray(0, at))
    this.#peer = publicKey.subarray(at)
    this.#agree = agree
  }

  encapsulate(randomness?: Uint8Array): Encapsulation {
    const { group } = this.#construction
    const secret = randomness === undefined ? undefined : scalar(this.#construction, randomness.subarray(32))
    const ephemeral = this.#agree(group, secret)
    const traditional = ephemeral.agree(this.#peer)
    const leg = this.#mlKem.encapsulate(randomness?.slice(0, 32))
    const sharedSecret = combine(this.#construction, leg.sharedSecret, traditional, ephemeral.publicKey, this.#peer)
    return { ciphertext: plainBytes(Buffer.concat([leg.ciphertext, ephemeral.publicKey])), sharedSecret }
  }
}

/** The secret of both legs, whose own secrets are overwritten. */
function combine(
  { label }: Construction,
  postQuantum: Uint8Array,
  traditional: Uint8Array,
  ciphertext: Uint8Array,
  publicKey: Uint8Array,
): Uint8Array {
  const state = createHash('sha3-256').update(postQuantum).update(traditional).update(ciphertext).update(publicKey)
  postQuantum.fill(0)
  traditional.fill(0)
  return plainBytes(state.update(label, 'latin1').digest())
}

/** The first candidate in range (RandomScalar of the draft). X25519 takes every string. */
function scalar({ group, scalarLength }: Construction, randomness: Uint8Array): Uint8Array {
  if (group === 'X25519') return randomness
  for (let at = 0; at + scalarLength <= randomness.length; at += scalarLength) {
    const candidate = randomness.subarray(at, at + scalarLength)
    if (scalarInRange(group, candidate)) return candidate
  }
  throw new InternalError('pqc.hybrid.scalar', `no scalar of ${group} in range: chance does so once in 2^128 seeds`)
}
