import { expect } from 'chai'
import { inspect } from 'node:util'
import { encapsulate, generateKemKeyPair, generateX25519 } from '@gridseal/pqc'
import { toHex } from '@gridseal/wire'

describe('KEM key pairs', () => {
  it('are new each time, and the same from the same seed', () => {
    for (const algorithm of ['ML-KEM-768', 'ML-KEM-1024'] as const) {
      const key = generateKemKeyPair(algorithm)
      expect(toHex(generateKemKeyPair(algorithm).publicKey)).not.to.equal(toHex(key.publicKey))
      const again = generateKemKeyPair(algorithm, key.seed)
      expect(toHex(again.publicKey)).to.equal(toHex(key.publicKey))
      const { ciphertext, sharedSecret } = encapsulate(algorithm, key.publicKey)
      expect(toHex(again.decapsulate(ciphertext))).to.equal(toHex(sharedSecret))
    }
  })

  it('keep their own copy of the seed and show it to nobody', () => {
    const seed = new Uint8Array(64).fill(0xa7)
    const key = generateKemKeyPair('ML-KEM-768', seed)
    const publicKey = toHex(key.publicKey)
    seed.fill(0)
    key.seed.fill(0)
    expect(toHex(key.seed)).to.equal('a7'.repeat(64))
    expect(toHex(generateKemKeyPair('ML-KEM-768', key.seed).publicKey)).to.equal(publicKey)
    for (const shown of [inspect(key, { depth: 9, showHidden: true }), JSON.stringify(key)]) {
      expect(shown).not.to.match(/167, *167|a7a7/)
    }
  })

  it('X25519 keys keep their own copy, also of a Buffer', () => {
    const peer = generateX25519(new Uint8Array(32).fill(3)).publicKey
    for (const provider of ['native', 'noble'] as const) {
      const secret = Buffer.alloc(32, 5)
      const key = generateX25519(secret, { provider })
      const shared = toHex(key.agree(peer))
      secret.fill(0)
      expect(toHex(key.agree(peer))).to.equal(shared)
    }
  })

  it('X25519 keys are new each time and do not show their secret', () => {
    const key = generateX25519(new Uint8Array(32).fill(0xa7))
    expect(toHex(generateX25519().publicKey)).not.to.equal(toHex(generateX25519().publicKey))
    expect(inspect(key, { depth: 9, showHidden: true })).not.to.match(/167, *167/)
  })
})
