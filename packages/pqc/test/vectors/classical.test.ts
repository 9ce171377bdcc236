import { expect } from 'chai'
import { VerifyingKey, decodeSpki, generateX25519, selectProvider } from '@gridseal/pqc'
import { AuthError, DecodeError, fromHex, toHex } from '@gridseal/wire'
import { ecdsaFromDer } from '#src/keys/ecdsa-der.ts'
import { bytes, hasFlag, vectorTest } from './vector-file.ts'
import type { Vector } from './vector-file.ts'

describe('classical vectors', () => {
  vectorTest({
    file: 'wycheproof/x25519_test.json',
    check(vector, provider) {
      const key = generateX25519(bytes(vector, 'private'), { provider })
      const agree = (): Uint8Array => key.agree(bytes(vector, 'public'))
      // "Acceptable" by RFC 7748, but a hybrid must not go on with a secret that anyone knows.
      if (hasFlag(vector, 'ZeroSharedSecret')) {
        expect(agree).to.throw(AuthError).with.property('code', 'pqc.x25519.low-order')
      } else expect(toHex(agree())).to.equal(vector['shared'])
    },
  })

  vectorTest({
    file: 'wycheproof/ecdh_secp256r1_test.json',
    check(vector, provider) {
      const agree = (): Uint8Array => {
        const scalar = fromHex(String(vector['private']).padStart(64, '0').slice(-64))
        const key = selectProvider('MLKEM768-P256', { provider }).agreement('P-256', scalar)
        const { algorithm, publicKey } = decodeSpki(bytes(vector, 'public'))
        expect(algorithm.name).to.equal('ECDSA-P256')
        return key.agree(publicKey)
      }
      // Of what is "acceptable" we take only what is an uncompressed point on the named curve in DER.
      if (vector['result'] === 'valid') expect(toHex(agree())).to.equal(vector['shared'])
      else if (vector['result'] === 'invalid') expect(agree).to.throw()
      else {
        try {
          expect(toHex(agree())).to.equal(vector['shared'])
        } catch (error) {
          if (error instanceof DecodeError) return
          // A named curve that is not ours, or a shared secret that differs.
          throw error
        }
      }
    },
  })

  vectorTest({
    file: 'wycheproof/ecdsa_secp256r1_sha256_test.json',
    check(vector, provider) {
      const key = VerifyingKey.fromSpki(bytes(vector, 'publicKeyDer'), { provider })
      const signature = ecdsaFromDer(bytes(vector, 'sig'), 32)
      const valid = signature !== undefined && key.verify(bytes(vector, 'msg'), signature)
      expect(valid).to.equal(vector['result'] === 'valid')
    },
  })

  vectorTest({
    file: 'wycheproof/ed25519_test.json',
    check(vector, provider) {
      const key = VerifyingKey.fromSpki(bytes(vector, 'publicKeyDer'), { provider })
      expect(key.verify(bytes(vector, 'msg'), bytes(vector, 'sig'))).to.equal(vector['result'] === 'valid')
      const jwk = (vector as Vector & { publicKeyJwk: unknown }).publicKeyJwk
      expect(VerifyingKey.fromJwk(jwk).equals(key)).to.equal(true)
    },
  })
})
