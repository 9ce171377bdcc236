import { expect } from 'chai'
import { encapsulate, generateKemKeyPair, selectProvider } from '@gridseal/pqc'
import type { MlKemAlgorithm } from '@gridseal/pqc'
import { DecodeError, UsageError, toHex } from '@gridseal/wire'
import { NobleEncapsulator } from '#src/providers/noble/kems.ts'
import { bytes, vectorTest } from './vector-file.ts'

const isOurs = (set: unknown): set is MlKemAlgorithm => set === 'ML-KEM-768' || set === 'ML-KEM-1024'

describe('ML-KEM vectors', function () {
  this.timeout(120_000)

  for (const set of [768, 1024] as const) {
    const algorithm: MlKemAlgorithm = `ML-KEM-${set}`

    vectorTest({
      file: `wycheproof/mlkem_${set}_test.json`,
      check(vector, provider) {
        const comment = String(vector['comment'])
        const make = (): ReturnType<typeof generateKemKeyPair> =>
          generateKemKeyPair(algorithm, bytes(vector, 'seed'), { provider })
        if (comment.startsWith('Private key too')) {
          expect(make).to.throw(UsageError).with.property('code', 'pqc.seed.length')
          return
        }
        const key = make()
        expect(toHex(key.publicKey)).to.equal(vector['ek'])
        if (comment.startsWith('Ciphertext too')) {
          expect(() => key.decapsulate(bytes(vector, 'c')))
            .to.throw(DecodeError)
            .with.property('code', 'pqc.ciphertext.length')
          return
        }
        expect(vector['result']).to.equal('valid')
        expect(toHex(key.decapsulate(bytes(vector, 'c')))).to.equal(vector['K'])
      },
    })

    vectorTest({
      file: `wycheproof/mlkem_${set}_encaps_test.json`,
      check(vector, provider) {
        const publicKey = bytes(vector, 'ek')
        const encaps = (): unknown => encapsulate(algorithm, publicKey, { provider })
        if (vector['result'] === 'invalid') {
          const short = publicKey.length !== (set === 768 ? 1184 : 1568)
          expect(encaps)
            .to.throw(DecodeError)
            .with.property('code', short ? 'pqc.key.length' : 'pqc.key.invalid')
          return
        }
        encaps()
        if (provider !== 'noble') return
        const { ciphertext, sharedSecret } = new NobleEncapsulator(algorithm, publicKey).encapsulate(bytes(vector, 'm'))
        expect(toHex(ciphertext)).to.equal(vector['c'])
        expect(toHex(sharedSecret)).to.equal(vector['K'])
      },
    })

    vectorTest({
      file: `wycheproof/mlkem_${set}_keygen_seed_test.json`,
      check(vector, provider) {
        const seed = bytes(vector, 'seed')
        expect(toHex(generateKemKeyPair(algorithm, seed, { provider }).publicKey)).to.equal(vector['ek'])
        const implementation = selectProvider(algorithm, { provider }).kem(algorithm)!
        expect(implementation.matchesExpanded!(seed, bytes(vector, 'dk'))).to.equal(true)
      },
    })
  }

  vectorTest({
    file: 'acvp/ML-KEM-keyGen-FIPS203.json',
    applies: (vector) => isOurs(vector['parameterSet']),
    check(vector, provider) {
      const algorithm = vector['parameterSet'] as MlKemAlgorithm
      const seed = Uint8Array.of(...bytes(vector, 'd'), ...bytes(vector, 'z'))
      const implementation = selectProvider(algorithm, { provider }).kem(algorithm)!
      expect(toHex(implementation.decapsulator(seed).publicKey)).to.equal(toHex(bytes(vector, 'ek')))
      expect(implementation.matchesExpanded!(seed, bytes(vector, 'dk'))).to.equal(true)
      expect(
        implementation.matchesExpanded!(
          seed.map((octet) => octet ^ 1),
          bytes(vector, 'dk'),
        ),
      ).to.equal(false)
    },
  })

  vectorTest({
    file: 'acvp/ML-KEM-encapDecap-FIPS203-tr1.json',
    // Expanded decapsulation keys are not offered: the seed is the key.
    applies: (vector) => isOurs(vector['parameterSet']) && vector['keyFormat'] !== 'expanded',
    check(vector, provider) {
      const algorithm = vector['parameterSet'] as MlKemAlgorithm
      switch (vector['function']) {
        case 'encapsulation': {
          encapsulate(algorithm, bytes(vector, 'ek'), { provider })
          if (provider !== 'noble') return
          const made = new NobleEncapsulator(algorithm, bytes(vector, 'ek')).encapsulate(bytes(vector, 'm'))
          expect(toHex(made.ciphertext)).to.equal(toHex(bytes(vector, 'c')))
          expect(toHex(made.sharedSecret)).to.equal(toHex(bytes(vector, 'k')))
          return
        }
        case 'decapsulation': {
          // With modified ciphertexts too: implicit rejection gives the secret of the vector.
          const seed = Uint8Array.of(...bytes(vector, 'd'), ...bytes(vector, 'z'))
          const secret = generateKemKeyPair(algorithm, seed, { provider }).decapsulate(bytes(vector, 'c'))
          expect(toHex(secret)).to.equal(toHex(bytes(vector, 'k')))
          return
        }
        case 'encapsulationKeyCheck': {
          const encaps = (): unknown => encapsulate(algorithm, bytes(vector, 'ek'), { provider })
          if (vector['testPassed'] === true) encaps()
          else expect(encaps).to.throw(DecodeError).with.property('code', 'pqc.key.invalid')
          return
        }
        default:
          expect.fail(`unknown function ${String(vector['function'])}`)
      }
    },
  })
})
