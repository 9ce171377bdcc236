import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import { AeadKey, KeyWrapKey, hkdf, hmac, kmac256, shake256 } from '@gridseal/pqc'
import type { AeadAlgorithm, HmacHash, KeyWrapMode, ProviderName } from '@gridseal/pqc'
import { AuthError, UsageError, toHex } from '@gridseal/wire'
import { bytes, vectorTest } from './vector-file.ts'
import type { Vector } from './vector-file.ts'

function usage(call: () => unknown, code: string): void {
  expect(call).to.throw(UsageError).with.property('code', code)
}

/** Seals and opens as the vector says, or refuses key and nonce lengths that are not offered. */
function aead(algorithm: AeadAlgorithm, vector: Vector, provider: ProviderName): void {
  const key = bytes(vector, 'key')
  if (key.length !== 32) {
    usage(() => new AeadKey(algorithm, key, { provider }), 'pqc.key.length')
    return
  }
  const aeadKey = new AeadKey(algorithm, key, { provider })
  const [nonce, plaintext] = [bytes(vector, 'iv'), bytes(vector, 'msg')]
  const sealed = Uint8Array.of(...bytes(vector, 'ct'), ...bytes(vector, 'tag'))
  const aad = bytes(vector, 'aad')
  if (nonce.length !== 12) {
    usage(() => aeadKey.seal(nonce, plaintext, aad), 'pqc.nonce.length')
    usage(() => aeadKey.open(nonce, sealed, aad), 'pqc.nonce.length')
  } else if (vector['result'] === 'invalid') {
    expect(() => aeadKey.open(nonce, sealed, aad))
      .to.throw(AuthError)
      .with.property('code', 'pqc.aead.open')
  } else {
    expect(toHex(aeadKey.seal(nonce, plaintext, aad))).to.equal(toHex(sealed))
    expect(toHex(aeadKey.open(nonce, sealed, aad))).to.equal(toHex(plaintext))
  }
}

describe('symmetric vectors', () => {
  vectorTest({
    file: 'wycheproof/aes_gcm_test.json',
    check: (vector, provider) => aead('AES-256-GCM', vector, provider),
  })

  vectorTest({
    file: 'wycheproof/chacha20_poly1305_test.json',
    check: (vector, provider) => aead('ChaCha20-Poly1305', vector, provider),
  })

  vectorTest({
    file: 'wycheproof/aes_gmac_test.json',
    // GMAC is GCM without a message (SP 800-38D 3): what it authenticates is the additional data.
    check: (vector, provider) => aead('AES-256-GCM', { ...vector, aad: vector['msg'], msg: '', ct: '' }, provider),
  })

  for (const file of ['acvp/ACVP-AES-GCM-1.0.json', 'acvp/ACVP-AES-GMAC-1.0.json']) {
    vectorTest({
      file,
      // All of them have 128-bit keys, which are not offered: each is refused for that.
      check: (vector, provider) =>
        usage(() => new AeadKey('AES-256-GCM', bytes(vector, 'key'), { provider }), 'pqc.key.length'),
    })
  }

  for (const [file, mode] of [
    ['wycheproof/aes_wrap_test.json', 'KW'],
    ['wycheproof/aes_kwp_test.json', 'KWP'],
  ] as const satisfies readonly (readonly [string, KeyWrapMode])[]) {
    vectorTest({
      file,
      check(vector, provider) {
        const key = bytes(vector, 'key')
        if (key.length !== 32) {
          usage(() => new KeyWrapKey(key, { provider }), 'pqc.key.length')
          return
        }
        const wrapKey = new KeyWrapKey(key, { provider })
        const open = (): Uint8Array => wrapKey.unwrap(mode, bytes(vector, 'ct'))
        if (vector['result'] === 'valid') {
          expect(toHex(wrapKey.wrap(mode, bytes(vector, 'msg')))).to.equal(vector['ct'])
          expect(toHex(open())).to.equal(vector['msg'])
        } else expect(open).to.throw(AuthError).with.property('code', 'pqc.wrap.open')
      },
    })
  }

  // One implementation, node:crypto's: it does not differ by provider.
  for (const [file, hash] of [
    ['wycheproof/hkdf_sha256_test.json', 'SHA-256'],
    ['wycheproof/hkdf_sha384_test.json', 'SHA-384'],
    ['wycheproof/hkdf_sha512_test.json', 'SHA-512'],
  ] as const satisfies readonly (readonly [string, HmacHash])[]) {
    vectorTest({
      file,
      providers: ['native'],
      check(vector) {
        const derive = (): Uint8Array =>
          hkdf(hash, bytes(vector, 'ikm'), bytes(vector, 'salt'), bytes(vector, 'info'), Number(vector['size']))
        if (vector['result'] === 'invalid') usage(derive, 'pqc.argument.range')
        else expect(toHex(derive())).to.equal(vector['okm'])
      },
    })
  }

  for (const [file, hash] of [
    ['wycheproof/hmac_sha256_test.json', 'SHA-256'],
    ['wycheproof/hmac_sha3_256_test.json', 'SHA3-256'],
  ] as const satisfies readonly (readonly [string, HmacHash])[]) {
    vectorTest({
      file,
      providers: ['native'],
      check(vector) {
        const tag = hmac(hash, bytes(vector, 'key'), bytes(vector, 'msg'))
        const truncated = toHex(tag.subarray(0, Number(vector['tagSize']) / 8))
        expect(truncated === vector['tag']).to.equal(vector['result'] === 'valid')
      },
    })
  }

  vectorTest({
    file: 'wycheproof/kmac256_no_customization_test.json',
    leftOut: (_vector, provider) =>
      provider === 'native' && !nativeKmac() ? 'not in this node:crypto (from Node.js 26)' : undefined,
    providers: nativeKmac() ? ['native', 'noble'] : ['noble'],
    check(vector, provider) {
      const tag = kmac256(bytes(vector, 'key'), bytes(vector, 'msg'), Number(vector['tagSize']) / 8, { provider })
      expect(toHex(tag) === vector['tag']).to.equal(vector['result'] === 'valid')
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

  it('HMAC of node:crypto and ours say the same for a key longer than a block', () => {
    const key = new Uint8Array(200).fill(7)
    expect(toHex(hmac('SHA-512', key, key))).to.equal(createHmac('sha512', key).update(key).digest('hex'))
  })
})

/** Whether KMAC256 is in this node:crypto. */
function nativeKmac(): boolean {
  try {
    kmac256(new Uint8Array(32), new Uint8Array(1), 32, { provider: 'native' })
    return true
  } catch {
    return false
  }
}
