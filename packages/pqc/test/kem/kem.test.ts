import { expect } from 'chai'
import { inspect } from 'node:util'
import {
  ChKemEncapsulationKey,
  DecapsulationKey,
  EncapsulationKey,
  encapsulate,
  generateChKemKeyPair,
  generateKemKeyPair,
  generateX25519,
} from '@gridseal/pqc'
import { DecodeError, toHex } from '@gridseal/wire'

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

describe('KEM keys', () => {
  it('do not change with the bytes that they came from', () => {
    const key = DecapsulationKey.generate('MLKEM768-P256')
    const bytes = Uint8Array.from(key.publicKey)
    const imported = EncapsulationKey.fromRaw('MLKEM768-P256', bytes)
    const pair = generateChKemKeyPair()
    const both = Uint8Array.from(pair.publicKey)
    const ch = ChKemEncapsulationKey.fromRaw(both)
    bytes.fill(0)
    both.fill(0)
    expect(toHex(imported.raw)).to.equal(toHex(key.publicKey))
    const { ciphertext, sharedSecret } = imported.encapsulate()
    expect(toHex(key.decapsulate(ciphertext))).to.equal(toHex(sharedSecret))
    const made = ch.encapsulate('initiator')
    expect(toHex(pair.decapsulate(made.ciphertext, 'initiator'))).to.equal(toHex(made.sharedSecret))
  })

  it('are read only with the public half that is theirs', () => {
    const [key, other] = [DecapsulationKey.generate('ML-KEM-512'), DecapsulationKey.generate('ML-KEM-512')]
    const jwk = key.toPrivateJwk()
    expect(toHex(DecapsulationKey.fromJwk(jwk).publicKey)).to.equal(toHex(key.publicKey))
    const { pub } = other.toPrivateJwk()
    expect(() => DecapsulationKey.fromJwk({ ...jwk, pub }))
      .to.throw(DecodeError)
      .with.property('code', 'pqc.key.mismatch')
  })
})
