import { KeyObject, diffieHellman, generateKeyPairSync } from 'node:crypto'
import { scalarInRange } from '../../keys/scalar.ts'
import { plainBytes } from '../../symmetric/bytes.ts'
import { invalidKey, lowOrder } from '../failures.ts'
import type { Agreement, GroupName, PeerMemo } from '../provider.ts'
import { generatePair, importPublic, importRawPrivate, nativeOperation, rawPublic } from './import.ts'

/** X25519 (RFC 7748). */
export class NativeX25519 implements Agreement {
  readonly publicKey: Uint8Array
  readonly #key: KeyObject

  constructor(secret: Uint8Array | undefined) {
    if (secret === undefined) {
      // A third cheaper than importing random bytes.
      const { publicKey, privateKey } = generatePair('x25519')
      this.#key = privateKey
      this.publicKey = publicKey
    } else {
      this.#key = importRawPrivate('X25519', secret)
      this.publicKey = rawPublic(this.#key)
    }
  }

  secret(): Uint8Array {
    return plainBytes(this.#key.export({ format: 'raw-private' }))
  }

  agree(peer: Uint8Array, memo?: PeerMemo): Uint8Array {
    const publicKey = imported(peer, memo)
    try {
      return plainBytes(diffieHellman({ privateKey: this.#key, publicKey }))
    } catch (error) {
      // OpenSSL checks for the all-zero result itself, and nothing else can fail here.
      throw lowOrder(nativeOperation('X25519', 'agree'), error)
    }
  }
}

/** The public key that was imported last: the same ephemeral key may be agreed with by several keys of one handshake. */
let last: { readonly raw: Uint8Array; readonly key: KeyObject } | undefined

function imported(peer: Uint8Array, memo: PeerMemo | undefined): KeyObject {
  if (memo?.imported instanceof KeyObject) return memo.imported
  if (last === undefined || Buffer.compare(last.raw, peer) !== 0) {
    last = { raw: new Uint8Array(peer), key: importPublic('X25519', peer) }
  }
  if (memo !== undefined) memo.imported = last.key
  return last.key
}

/** ECDH on a NIST curve (SP 800-56A 5.7.1.2): the secret is the x coordinate. */
export class NativeEcdh implements Agreement {
  readonly publicKey: Uint8Array
  readonly #key: KeyObject
  readonly #group: Exclude<GroupName, 'X25519'>

  constructor(group: Exclude<GroupName, 'X25519'>, secret: Uint8Array | undefined) {
    this.#group = group
    if (secret === undefined) this.#key = generateKeyPairSync('ec', { namedCurve: group }).privateKey
    else {
      if (!scalarInRange(group, secret)) throw invalidKey(nativeOperation(group, 'import'), undefined, 'privateKey')
      this.#key = importRawPrivate(group, secret)
    }
    this.publicKey = rawPublic(this.#key)
  }

  secret(): Uint8Array {
    return plainBytes(this.#key.export({ format: 'raw-private' }))
  }

  agree(peer: Uint8Array): Uint8Array {
    const publicKey = importPublic(this.#group, peer)
    try {
      return plainBytes(diffieHellman({ privateKey: this.#key, publicKey }))
    } catch (error) {
      throw invalidKey(nativeOperation(this.#group, 'agree'), error)
    }
  }
}
