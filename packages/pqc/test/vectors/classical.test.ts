import { expect } from 'chai'
import { AeadKey, generateX25519, hkdfSha256, hmacSha256, shake256 } from '@gridseal/pqc'
import { AuthError, UsageError, toHex } from '@gridseal/wire'
import { bytes, hasFlag, vectorTest } from './vector-file.ts'

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
    file: 'wycheproof/aes_gcm_test.json',
    applies: (vector) => vector['keySize'] === 256 && vector['tagSize'] === 128,
    providers: ['native'],
    check(vector) {
      const key = new AeadKey('AES-256-GCM', bytes(vector, 'key'))
      const nonce = bytes(vector, 'iv')
      const plaintext = bytes(vector, 'msg')
      const sealed = Uint8Array.of(...bytes(vector, 'ct'), ...bytes(vector, 'tag'))
      const aad = bytes(vector, 'aad')
      if (nonce.length !== 12) {
        expect(() => key.seal(nonce, plaintext, aad))
          .to.throw(UsageError)
          .with.property('code', 'pqc.nonce.length')
        expect(() => key.open(nonce, sealed, aad))
          .to.throw(UsageError)
          .with.property('code', 'pqc.nonce.length')
      } else if (vector['result'] === 'invalid') {
        expect(() => key.open(nonce, sealed, aad))
          .to.throw(AuthError)
          .with.property('code', 'pqc.aead.open')
      } else {
        expect(toHex(key.seal(nonce, plaintext, aad))).to.equal(toHex(sealed))
        expect(toHex(key.open(nonce, sealed, aad))).to.equal(toHex(plaintext))
      }
    },
  })

  vectorTest({
    file: 'wycheproof/hkdf_sha256_test.json',
    providers: ['native'],
    check(vector) {
      const derive = (): Uint8Array =>
        hkdfSha256(bytes(vector, 'ikm'), bytes(vector, 'salt'), bytes(vector, 'info'), Number(vector['size']))
      if (vector['result'] === 'invalid')
        expect(derive).to.throw(UsageError).with.property('code', 'pqc.argument.range')
      else expect(toHex(derive())).to.equal(vector['okm'])
    },
  })

  vectorTest({
    file: 'wycheproof/hmac_sha256_test.json',
    providers: ['native'],
    check(vector) {
      const tag = hmacSha256(bytes(vector, 'key'), bytes(vector, 'msg'))
      const truncated = toHex(tag.subarray(0, Number(vector['tagSize']) / 8))
      expect(truncated === vector['tag']).to.equal(vector['result'] === 'valid')
    },
  })

  vectorTest({
    file: 'acvp/SHAKE-256-FIPS202.json',
    providers: ['native'],
    check(vector) {
      const bits = Number(vector['outLen'])
      const digest = shake256(Math.ceil(bits / 8), bytes(vector, 'msg'))
      // Of an unfinished octet ACVP writes the bits (first one lowest) at its upper end.
      const left = bits % 8
      if (left > 0) digest[digest.length - 1] = (digest[digest.length - 1]! & ((1 << left) - 1)) << (8 - left)
      expect(toHex(digest)).to.equal(toHex(bytes(vector, 'md')))
    },
  })
})
