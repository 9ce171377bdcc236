import { randomBytes } from 'node:crypto'
import { scalarInRange } from '../../keys/scalar.ts'
import { plainBytes } from '../../symmetric/bytes.ts'
import { invalidKey, lowOrder } from '../failures.ts'
import type { Agreement, GroupName, SignatureImplementation } from '../provider.ts'
import { ed25519, nist, nobleOperation } from './load.ts'

/** Ed25519 (RFC 8032). Verification is RFC 8032's, not the laxer one of ZIP 215. */
export const nobleEd25519: SignatureImplementation = {
  generate: () => plainBytes(randomBytes(32)),
  signer: (secret) => {
    const key = Uint8Array.from(secret)
    const signSync = (message: Uint8Array): Uint8Array => ed25519().ed25519.sign(message, key)
    return { publicKey: ed25519().ed25519.getPublicKey(key), signSync, sign: async (message) => signSync(message) }
  },
  verifier: (publicKey) => ({
    verify: (message, signature) => {
      try {
        return ed25519().ed25519.verify(signature, message, publicKey, { zip215: false })
      } catch {
        // Encodings that are no point or no scalar.
        return false
      }
    },
  }),
}

/** ECDSA with the curve's usual hash, hedged (RFC 6979 3.6); signatures are r || s, either s is taken. */
export function nobleEcdsa(algorithm: 'ECDSA-P256' | 'ECDSA-P384'): SignatureImplementation {
  const curve = (): ReturnType<typeof nist>['p256'] => (algorithm === 'ECDSA-P256' ? nist().p256 : nist().p384)
  return {
    generate: () => curve().utils.randomSecretKey(),
    signer: (secret) => {
      if (!scalarInRange(algorithm, secret)) {
        throw invalidKey(nobleOperation(algorithm, 'import'), undefined, 'privateKey')
      }
      const key = Uint8Array.from(secret)
      const signSync = (message: Uint8Array): Uint8Array =>
        curve().sign(message, key, { lowS: false, extraEntropy: true })
      return { publicKey: curve().getPublicKey(key, false), signSync, sign: async (message) => signSync(message) }
    },
    verifier: (publicKey) => {
      if (publicKey[0] !== 4 || !curve().utils.isValidPublicKey(publicKey, false)) {
        throw invalidKey(nobleOperation(algorithm, 'import'))
      }
      return {
        verify: (message, signature) => {
          try {
            return curve().verify(signature, message, publicKey, { lowS: false })
          } catch {
            // r or s out of range.
            return false
          }
        },
      }
    },
  }
}

export function nobleAgreement(group: GroupName, secret?: Uint8Array): Agreement {
  return group === 'X25519' ? x25519Agreement(secret) : ecdhAgreement(group, secret)
}

function x25519Agreement(secret: Uint8Array | undefined): Agreement {
  const { x25519 } = ed25519()
  const key = secret === undefined ? plainBytes(randomBytes(32)) : Uint8Array.from(secret)
  return {
    publicKey: x25519.getPublicKey(key),
    secret: () => key.slice(),
    agree: (peer) => {
      try {
        return x25519.getSharedSecret(key, peer)
      } catch (error) {
        throw lowOrder(nobleOperation('X25519', 'agree'), error)
      }
    },
  }
}

function ecdhAgreement(group: 'P-256' | 'P-384', secret: Uint8Array | undefined): Agreement {
  const curve = group === 'P-256' ? nist().p256 : nist().p384
  const key = secret === undefined ? curve.utils.randomSecretKey() : Uint8Array.from(secret)
  if (!scalarInRange(group, key)) throw invalidKey(nobleOperation(group, 'import'), undefined, 'privateKey')
  return {
    publicKey: curve.getPublicKey(key, false),
    secret: () => key.slice(),
    agree: (peer) => {
      try {
        // The point's header byte is not part of the secret.
        return curve.getSharedSecret(key, peer, true).slice(1)
      } catch (error) {
        throw invalidKey(nobleOperation(group, 'agree'), error)
      }
    },
  }
}
