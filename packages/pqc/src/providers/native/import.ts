import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { AlgorithmName } from '../../algorithms/info.ts'
import { encodePkcs8, encodePkcs8Both, encodePkcs8Expanded } from '../../keys/pkcs8.ts'
import { plainBytes } from '../../symmetric/bytes.ts'
import { invalidKey, providerFailed } from '../failures.ts'
import type { GroupName, Operation } from '../provider.ts'

/** What node:crypto calls an algorithm's keys. Elliptic curves are named beside it. */
interface NodeKeyType {
  readonly asymmetricKeyType: string
  readonly namedCurve?: string
}

const ELLIPTIC: Readonly<Record<string, NodeKeyType>> = {
  'ECDSA-P256': { asymmetricKeyType: 'ec', namedCurve: 'P-256' },
  'ECDSA-P384': { asymmetricKeyType: 'ec', namedCurve: 'P-384' },
  'P-256': { asymmetricKeyType: 'ec', namedCurve: 'P-256' },
  'P-384': { asymmetricKeyType: 'ec', namedCurve: 'P-384' },
}

/** Elsewhere the key type is the algorithm's name in lower case. */
export function keyType(algorithm: AlgorithmName | GroupName): NodeKeyType {
  return ELLIPTIC[algorithm] ?? { asymmetricKeyType: algorithm.toLowerCase() }
}

/** The key of a seed in PKCS#8, which is twice as fast for ML-KEM as the format raw-seed. */
export function importSeed(algorithm: AlgorithmName, seed: Uint8Array): KeyObject {
  const der = encodePkcs8(algorithm, seed)
  try {
    return privateKey({ key: view(der), format: 'der', type: 'pkcs8' })
  } catch (error) {
    throw providerFailed(nativeOperation(algorithm, 'import'), error)
  } finally {
    der.fill(0)
  }
}

/** A key in the expanded form of FIPS 203/204, alone or with its seed (then both must be of one key). */
export function importExpanded(algorithm: AlgorithmName, expanded: Uint8Array, seed?: Uint8Array): KeyObject {
  const der = seed === undefined ? encodePkcs8Expanded(algorithm, expanded) : encodePkcs8Both(algorithm, seed, expanded)
  try {
    return privateKey({ key: view(der), format: 'der', type: 'pkcs8' })
  } catch (error) {
    throw invalidKey(nativeOperation(algorithm, 'import'), error, 'expandedKey')
  } finally {
    der.fill(0)
  }
}

/** Whether OpenSSL takes seed and expanded key as one. */
export function matchesExpanded(algorithm: AlgorithmName, seed: Uint8Array, expanded: Uint8Array): boolean {
  try {
    importExpanded(algorithm, expanded, seed)
    return true
  } catch {
    return false
  }
}

/** A private key in raw form: scalars, and the four parts of SLH-DSA. */
export function importRawPrivate(algorithm: AlgorithmName | GroupName, secret: Uint8Array): KeyObject {
  try {
    return privateKey({ key: view(secret), format: 'raw-private', ...keyType(algorithm) } as PrivateInput)
  } catch (error) {
    throw invalidKey(nativeOperation(algorithm, 'import'), error, 'privateKey')
  }
}

export function importPublic(algorithm: AlgorithmName | GroupName, raw: Uint8Array): KeyObject {
  const type = keyType(algorithm)
  // OpenSSL also takes the hybrid form of a point (SEC 1 2.3.3), by which one key would have two public keys.
  if (type.namedCurve !== undefined && raw[0] !== 4) throw invalidKey(nativeOperation(algorithm, 'import'))
  try {
    return publicKey({ key: view(raw), format: 'raw-public', ...type } as PublicInput)
  } catch (error) {
    throw invalidKey(nativeOperation(algorithm, 'import'), error)
  }
}

const RAW_PUBLIC = { publicKeyEncoding: { format: 'raw-public' } }

/** A new key with its raw public half: as a key object of its own that would cost more to make and to throw away. */
export function generatePair(type: string): { readonly publicKey: Uint8Array; readonly privateKey: KeyObject } {
  const { publicKey, privateKey } = (generateKeyPairSync as unknown as GeneratePair)(type, RAW_PUBLIC)
  return { publicKey: plainBytes(publicKey), privateKey }
}

/** The raw public key of a private or public one. Points are uncompressed. */
export function rawPublic(key: KeyObject): Uint8Array {
  const half = key.type === 'public' ? key : createPublicKey(key)
  return plainBytes(half.export({ format: 'raw-public' }))
}

export function nativeOperation(algorithm: Operation['algorithm'], operation: Operation['operation']): Operation {
  return { provider: 'native', algorithm, operation }
}

export function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function privateKey(input: PrivateInput): KeyObject {
  return withoutStacks(() => createPrivateKey(input))
}

function publicKey(input: PublicInput): KeyObject {
  return withoutStacks(() => createPublicKey(input))
}

/** Not where intrinsics are frozen. */
const STACKS_CAN_BE_LEFT_OUT = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')?.writable === true

/**
 * Node.js 24 finds out that what it is given is not a key object by exceptions that it catches itself, four in each
 * import. To write down where they came from takes longer than to import an X25519 key.
 */
function withoutStacks<T>(action: () => T): T {
  if (!STACKS_CAN_BE_LEFT_OUT) return action()
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return action()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

// The raw formats of node:crypto take more key types than their declarations know.
type PrivateInput = Parameters<typeof createPrivateKey>[0]
type PublicInput = Parameters<typeof createPublicKey>[0]
type GeneratePair = (type: string, options: typeof RAW_PUBLIC) => { publicKey: Buffer; privateKey: KeyObject }
