import { UsageError } from '@gridseal/wire'
import { needLength, needReceived } from '../check.ts'
import { admit, needCurrent } from '../policy/module-state.ts'
import { NobleEncapsulator } from '../providers/noble/kems.ts'
import type { PolicyUse } from '../policy/policy.ts'
import type { Encapsulation, PeerMemo, Provider } from '../providers/provider.ts'
import type { ProviderOptions } from '../providers/chosen.ts'
import { groupProvider, kemImplementation } from '../providers/select.ts'
import { plainBytes } from '../symmetric/bytes.ts'
import { chKemKdf, transcriptHash } from './ch-kem-kdf.ts'
import { EncapsulationKey } from './encapsulation-key.ts'
import { ephemeralKeyPair, generateKemKeyPair } from './kem.ts'
import type { EphemeralKeyPair } from './kem.ts'
import type { KemKeyPair } from './decapsulation-key.ts'
import { X25519_LENGTH, x25519Leg } from './x25519.ts'
import type { X25519KeyPair } from './x25519.ts'

/*
 * CH-KEM-v1: X25519 + ML-KEM-1024, X25519 first in keys and ciphertexts. The secret depends on both legs and on
 * everything that was exchanged, so it is safe while either leg is.
 */

export const CH_KEM_V1: {
  readonly publicKeyLength: number
  readonly ciphertextLength: number
  readonly sharedSecretLength: number
  readonly seedLength: number
  readonly randomnessLength: number
} = {
  publicKeyLength: 1600,
  ciphertextLength: 1600,
  sharedSecretLength: 32,
  /** X25519 scalar || d || z. */
  seedLength: 96,
  /** Ephemeral X25519 scalar || m. */
  randomnessLength: 64,
}

/**
 * The encapsulator's place in the handshake, bound into the secret. The decapsulator passes the same value, its
 * peer's role, not its own.
 */
export type ChKemRole = 'initiator' | 'responder'

/**
 * An X25519 key for the encapsulations of one handshake. What is encapsulated with the same one to different keys stays
 * independent, because each secret depends on the key that it is for, on the role and on an ML-KEM secret of its own.
 */
export class ChKemEphemeral {
  /** Not for users. */
  readonly x25519: X25519KeyPair

  private constructor(x25519: X25519KeyPair) {
    this.x25519 = x25519
  }

  static generate(options: ProviderOptions = {}): ChKemEphemeral {
    return ChKemEphemeral.of(x25519Leg(undefined, admitted('encapsulate', options)))
  }

  /** That of a key pair. */
  static of(x25519: X25519KeyPair): ChKemEphemeral {
    return new ChKemEphemeral(x25519)
  }
}

/** A key pair for one key agreement. */
export interface ChKemEphemeralPair {
  /** Its X25519 key, for what is encapsulated to others in the same handshake. */
  readonly ephemeral: ChKemEphemeral
  /** X25519 key || ML-KEM-1024 key, 1600 bytes. */
  readonly publicKey: Uint8Array
  /**
   * The shared secret of a ciphertext (1600 bytes) that a peer in role `encapsulator` made. A wrong ML-KEM part gives
   * another secret and no error: confirm keys. Throws `DecodeError` `pqc.ciphertext.length` and `AuthError`
   * `pqc.x25519.low-order`.
   */
  decapsulate(ciphertext: Uint8Array, encapsulator: ChKemRole): Uint8Array
  /** Both secrets of what {@link ChKemEncapsulationKey.encapsulateLegs} made, 64 bytes. Throws as {@link decapsulate} does. */
  decapsulateLegs(ciphertext: Uint8Array): Uint8Array
}

export interface ChKemKeyPair extends ChKemEphemeralPair {
  /** A copy of X25519 scalar || d || z, 96 bytes: the whole secret. */
  readonly seed: Uint8Array
}

/** Bound into every secret: the combiner's version. */
const COMBINER_VERSION = Uint8Array.of(0x00, 0x02)
const ROLES: Readonly<Record<ChKemRole, Uint8Array>> = { initiator: Uint8Array.of(1), responder: Uint8Array.of(2) }

/** A new key pair, or that of `seed` (96 bytes). Throws `UsageError` `pqc.seed.length`. */
export function generateChKemKeyPair(seed?: Uint8Array, options: ProviderOptions = {}): ChKemKeyPair {
  const provider = admitted(seed === undefined ? 'generate' : 'decapsulate', options)
  if (seed !== undefined) needLength(seed, CH_KEM_V1.seedLength, 'pqc.seed.length', 'seed')
  return new KeyPair(
    x25519Leg(seed?.subarray(0, X25519_LENGTH), provider),
    generateKemKeyPair('ML-KEM-1024', seed?.subarray(X25519_LENGTH), options),
  )
}

/** A new key pair for one key agreement, whose secret leaves it in no form; see {@link ephemeralKeyPair}. */
export function ephemeralChKemKeyPair(options: ProviderOptions = {}): ChKemEphemeralPair {
  return new Pair(x25519Leg(undefined, admitted('generate', options)), ephemeralKeyPair('ML-KEM-1024', options))
}

/** A public key that is used more than once: checked and imported when it is made. */
export class ChKemEncapsulationKey {
  readonly #pkX: Uint8Array
  readonly #memo: PeerMemo = {}
  readonly #mlKem: EncapsulationKey
  readonly #options: ProviderOptions

  private constructor(publicKey: Uint8Array, options: ProviderOptions) {
    admitted('encapsulate', options)
    const [pkX, pkM] = halves(publicKey, 'pqc.key.length', 'publicKey')
    this.#pkX = pkX.slice()
    this.#mlKem = EncapsulationKey.fromRaw('ML-KEM-1024', pkM, options)
    this.#options = options
  }

  /** Copies the key (1600 bytes). Throws `DecodeError` `pqc.key.length`, `pqc.key.invalid`. */
  static fromRaw(publicKey: Uint8Array, options: ProviderOptions = {}): ChKemEncapsulationKey {
    return new ChKemEncapsulationKey(publicKey, options)
  }

  /**
   * A fresh secret for the owner; `role` is ours. Throws `AuthError` `pqc.x25519.low-order`. An `ephemeral` key is for one
   * handshake; the default is a key for this alone.
   */
  encapsulate(role: ChKemRole, ephemeral?: ChKemEphemeral): Encapsulation {
    return combine(this.#pkX, this.#mlKem.raw, this.#x25519(ephemeral), this.#mlKem.encapsulate(), role, this.#memo)
  }

  /**
   * The secrets of both legs as they are, X25519 first, 64 bytes: for who derives keys from both of them and from all that
   * CH-KEM would bind (public key, ciphertext, who encapsulated). Nobody else may use them. Throws as {@link encapsulate}.
   */
  encapsulateLegs(ephemeral?: ChKemEphemeral): Encapsulation {
    const x25519 = this.#x25519(ephemeral)
    const { ciphertext, sharedSecret } = this.#mlKem.encapsulate()
    return {
      ciphertext: joined(x25519.publicKey, ciphertext),
      sharedSecret: legs(x25519.agree(this.#pkX, this.#memo), sharedSecret),
    }
  }

  #x25519(ephemeral: ChKemEphemeral | undefined): X25519KeyPair {
    needCurrent('CH-KEM-v1', 'encapsulate')
    return ephemeral?.x25519 ?? x25519Leg(undefined, groupProvider(this.#options))
  }
}

/**
 * A fresh secret for the owner of a public key (1600 bytes); `role` is ours. Throws `DecodeError` `pqc.key.length`,
 * `pqc.key.invalid` and `AuthError` `pqc.x25519.low-order`. For a key that is used again, and for `ephemeral`, see
 * {@link ChKemEncapsulationKey}.
 */
export function chKemEncapsulate(
  publicKey: Uint8Array,
  role: ChKemRole,
  options: ProviderOptions = {},
  ephemeral?: ChKemEphemeral,
): Encapsulation {
  const provider = admitted('encapsulate', options)
  const [pkX, pkM] = halves(publicKey, 'pqc.key.length', 'publicKey')
  const leg = kemImplementation('ML-KEM-1024', 'encapsulate', options).encapsulator(pkM).encapsulate()
  return combine(pkX, pkM, ephemeral?.x25519 ?? x25519Leg(undefined, provider), leg, role)
}

/**
 * {@link chKemEncapsulate} with given randomness (ephemeral X25519 scalar || m, 64 bytes), for known-answer tests
 * and recorded handshakes. The ML-KEM leg is noble's: native does not take randomness.
 */
export function chKemEncapsulateWith(publicKey: Uint8Array, role: ChKemRole, randomness: Uint8Array): Encapsulation {
  admit('CH-KEM-v1', 'encapsulate', 'noble')
  const [pkX, pkM] = halves(publicKey, 'pqc.key.length', 'publicKey')
  needLength(randomness, CH_KEM_V1.randomnessLength, 'pqc.seed.length', 'randomness')
  const ephemeral = x25519Leg(randomness.subarray(0, X25519_LENGTH), groupProvider({}))
  const leg = new NobleEncapsulator('ML-KEM-1024', pkM).encapsulate(randomness.slice(X25519_LENGTH))
  return combine(pkX, pkM, ephemeral, leg, role)
}

function combine(
  pkX: Uint8Array,
  pkM: Uint8Array,
  ephemeral: X25519KeyPair,
  leg: Encapsulation,
  role: ChKemRole,
  memo?: PeerMemo,
): Encapsulation {
  const ciphertext = joined(ephemeral.publicKey, leg.ciphertext)
  const transcript = chKemTranscript(pkX, pkM, ephemeral.publicKey, leg.ciphertext, role)
  return { ciphertext, sharedSecret: secretOf(ephemeral.agree(pkX, memo), leg.sharedSecret, transcript) }
}

class Pair implements ChKemEphemeralPair {
  readonly ephemeral: ChKemEphemeral
  readonly publicKey: Uint8Array
  readonly #x25519: X25519KeyPair
  readonly #mlKem: EphemeralKeyPair

  constructor(x25519: X25519KeyPair, mlKem: EphemeralKeyPair) {
    this.ephemeral = ChKemEphemeral.of(x25519)
    this.#x25519 = x25519
    this.#mlKem = mlKem
    this.publicKey = joined(x25519.publicKey, mlKem.publicKey)
  }

  decapsulate(ciphertext: Uint8Array, encapsulator: ChKemRole): Uint8Array {
    const [ctX, ctM] = halves(ciphertext, 'pqc.ciphertext.length', 'ciphertext')
    const transcript = chKemTranscript(this.#x25519.publicKey, this.#mlKem.publicKey, ctX, ctM, encapsulator)
    return secretOf(this.#x25519.agree(ctX), this.#mlKem.decapsulate(ctM), transcript)
  }

  decapsulateLegs(ciphertext: Uint8Array): Uint8Array {
    const [ctX, ctM] = halves(ciphertext, 'pqc.ciphertext.length', 'ciphertext')
    return legs(this.#x25519.agree(ctX), this.#mlKem.decapsulate(ctM))
  }
}

class KeyPair extends Pair implements ChKemKeyPair {
  readonly #seed: () => Uint8Array

  constructor(x25519: X25519KeyPair, mlKem: KemKeyPair) {
    super(x25519, mlKem)
    this.#seed = () => joined(x25519.secret, mlKem.seed)
  }

  get seed(): Uint8Array {
    return this.#seed()
  }
}

/** What is bound into the secret: both public keys, both ciphertexts, the version and the encapsulator's role. */
export function chKemTranscript(
  pkX: Uint8Array,
  pkM: Uint8Array,
  ctX: Uint8Array,
  ctM: Uint8Array,
  role: ChKemRole,
): Uint8Array {
  const roleByte = Object.hasOwn(ROLES, role) ? ROLES[role] : undefined
  if (roleByte === undefined) throw new UsageError('pqc.argument.range', `role must be initiator or responder`)
  return transcriptHash(pkX, pkM, ctX, ctM, COMBINER_VERSION, roleByte)
}

/** The secret of both legs, whose own secrets are overwritten: they are ours alone and never keys. */
function secretOf(kX: Uint8Array, kM: Uint8Array, transcript: Uint8Array): Uint8Array {
  const secret = chKemKdf('CH-KEM-v1-SharedSecret', [kX, kM, transcript], CH_KEM_V1.sharedSecretLength)
  kX.fill(0)
  kM.fill(0)
  return secret
}

/** The secrets of both legs in one buffer; their own are overwritten. */
function legs(kX: Uint8Array, kM: Uint8Array): Uint8Array {
  const both = new Uint8Array(kX.length + kM.length)
  both.set(kX)
  both.set(kM, kX.length)
  kX.fill(0)
  kM.fill(0)
  return both
}

function joined(x25519: Uint8Array, mlKem: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(x25519.length + mlKem.length)
  bytes.set(x25519)
  bytes.set(mlKem, x25519.length)
  return plainBytes(bytes)
}

/** The provider of the X25519 leg, which policy has been asked for. */
function admitted(use: PolicyUse, options: ProviderOptions): Provider {
  const provider = groupProvider(options)
  admit('CH-KEM-v1', use, provider.name)
  return provider
}

/** X25519 and ML-KEM part of a public key or ciphertext: both are 32 + 1568 bytes. */
function halves(bytes: Uint8Array, code: string, what: string): [Uint8Array, Uint8Array] {
  needReceived(bytes, CH_KEM_V1.publicKeyLength, code, what)
  return [bytes.subarray(0, X25519_LENGTH), bytes.subarray(X25519_LENGTH)]
}
