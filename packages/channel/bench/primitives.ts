import {
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  sign,
  verify,
} from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { KemName } from '@gridseal/channel'

/** What a handshake consists of, both ends together. */
export interface Ingredients {
  readonly kem: KemName
  /** One that is fresh, and one to each static key. */
  readonly agreements: 1 | 3
  /** Both ends sign and verify once. */
  readonly signature?: 'ML-DSA-44' | 'ML-DSA-65' | 'ML-DSA-87'
}

const MESSAGE = Buffer.alloc(100)

/**
 * The public-key operations of one handshake by node:crypto alone, in the least costly form that it offers: no protocol
 * in Node.js can be cheaper. Static keys are imported already; what is fresh comes as bytes. In CH-KEM-v1 each end has one
 * X25519 key for all that is encapsulated, in X-Wing one for each. Signing is as asynchronous as it is in the channel.
 */
export function primitives({ kem, agreements, signature }: Ingredients): () => Promise<void> {
  const mlKem = kem === 'CH-KEM-v1' ? 'ml-kem-1024' : 'ml-kem-768'
  const still = { pq: generateKeyPairSync(mlKem), x: generateKeyPairSync('x25519') }
  const signer = signature && generateKeyPairSync(signature.toLowerCase() as 'ml-dsa-44')
  return async () => {
    const [share, shareOfX] = [fresh(mlKem), kem === 'ML-KEM-768' ? undefined : fresh('x25519')]
    for (let n = 0; n < agreements; n++) {
      const owner = n === 0 ? received(mlKem, share) : still.pq
      decapsulate(owner.privateKey, encapsulate(owner.publicKey).ciphertext)
    }
    let sender: Pair | undefined
    for (let n = 0; n < agreements && shareOfX !== undefined; n++) {
      if (sender === undefined || kem !== 'CH-KEM-v1') sender = received('x25519', fresh('x25519'))
      const owner = n === 0 ? received('x25519', shareOfX) : still.x
      diffieHellman({ privateKey: sender.privateKey, publicKey: owner.publicKey })
      diffieHellman({ privateKey: owner.privateKey, publicKey: sender.publicKey })
    }
    if (signer === undefined) return
    for (let n = 0; n < 2; n++) {
      const made = await new Promise<Buffer>((resolve, reject) => {
        sign(null, MESSAGE, signer.privateKey, (error, value) => (error ? reject(error) : resolve(value)))
      })
      verify(null, MESSAGE, signer.publicKey, made)
    }
  }
}

interface Pair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

interface Fresh {
  readonly privateKey: KeyObject
  /** As it is sent. */
  readonly publicKey: Uint8Array
}

const RAW_PUBLIC = { publicKeyEncoding: { format: 'raw-public' } }

/** The declarations do not know that public keys can be had raw. */
function fresh(type: string): Fresh {
  return (generateKeyPairSync as unknown as (type: string, options: typeof RAW_PUBLIC) => Fresh)(type, RAW_PUBLIC)
}

/** A key pair whose public half the other end has received. */
function received(type: string, { privateKey, publicKey }: Fresh): Pair {
  return { privateKey, publicKey: imported(type, publicKey) }
}

/** Without the stacks of the exceptions by which Node.js finds out that it is given no key object: a fifth of the time. */
function imported(asymmetricKeyType: string, key: Uint8Array): KeyObject {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  const input = { key, format: 'raw-public', asymmetricKeyType } as Parameters<typeof createPublicKey>[0]
  const made = createPublicKey(input)
  Error.stackTraceLimit = stackTraceLimit
  return made
}
