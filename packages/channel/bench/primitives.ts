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
    const fresh = { pq: generateKeyPairSync(mlKem), x: curve(kem) }
    const share = imported(mlKem, fresh.pq.publicKey)
    const sender = curve(kem)
    for (let n = 0; n < agreements; n++) {
      const owner = n === 0 ? fresh : still
      decapsulate(owner.pq.privateKey, encapsulate(n === 0 ? share : still.pq.publicKey).ciphertext)
    }
    for (let n = 0; n < agreements && fresh.x !== undefined && sender !== undefined; n++) {
      const owner = n === 0 ? fresh.x : still.x
      const another = n > 0 && kem !== 'CH-KEM-v1' ? curve(kem) : undefined
      const theirs = another ?? sender
      const key = n === 0 ? imported('x25519', owner.publicKey) : owner.publicKey
      diffieHellman({ privateKey: theirs.privateKey, publicKey: key })
      const isNew = n === 0 || another !== undefined
      const publicKey = isNew ? imported('x25519', theirs.publicKey) : theirs.publicKey
      diffieHellman({ privateKey: owner.privateKey, publicKey })
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

function curve(kem: KemName): { publicKey: KeyObject; privateKey: KeyObject } | undefined {
  return kem === 'ML-KEM-768' ? undefined : generateKeyPairSync('x25519')
}

/** Without the stacks of the exceptions by which Node.js finds out that it is given no key object: a fifth of the time. */
function imported(asymmetricKeyType: string, key: KeyObject): KeyObject {
  const raw = key.export({ format: 'raw-public' })
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  const input = { key: raw, format: 'raw-public', asymmetricKeyType } as Parameters<typeof createPublicKey>[0]
  const made = createPublicKey(input)
  Error.stackTraceLimit = stackTraceLimit
  return made
}
