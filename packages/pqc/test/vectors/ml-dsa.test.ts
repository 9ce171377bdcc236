import { expect } from 'chai'
import { SigningKey, VerifyingKey, selectProvider } from '@gridseal/pqc'
import type { MlDsaAlgorithm, ProviderName, SignatureAlgorithm } from '@gridseal/pqc'
import { DecodeError, UsageError, toHex } from '@gridseal/wire'
import { signDeterministic } from '#src/providers/noble/signatures.ts'
import { bytes, hasFlag, vectorTest } from './vector-file.ts'
import type { Vector } from './vector-file.ts'

const options = (vector: Vector, name = 'ctx'): { context?: Uint8Array } =>
  typeof vector[name] === 'string' ? { context: bytes(vector, name) } : {}

/** Verifies as a caller would, and takes a refused key or context as an invalid signature. */
function verifies(algorithm: SignatureAlgorithm, vector: Vector, provider: ProviderName): boolean {
  try {
    const key = VerifyingKey.fromRaw(algorithm, bytes(vector, 'publicKey'), { provider })
    return key.verify(bytes(vector, 'msg'), bytes(vector, 'sig'), options(vector))
  } catch (error) {
    expect(error).to.be.instanceOf(UsageError)
    expect(hasFlag(vector, 'IncorrectPublicKeyLength') || hasFlag(vector, 'InvalidContext')).to.equal(true)
    return false
  }
}

describe('ML-DSA vectors', function () {
  this.timeout(120_000)

  for (const set of [44, 65, 87] as const) {
    const algorithm: MlDsaAlgorithm = `ML-DSA-${set}`

    vectorTest({
      file: `wycheproof/mldsa_${set}_verify_test.json`,
      check(vector, provider) {
        expect(verifies(algorithm, vector, provider)).to.equal(vector['result'] === 'valid')
        // The key in DER says the same as the raw one, and a key of a wrong length is refused.
        const der = bytes(vector, 'publicKeyDer')
        if (hasFlag(vector, 'IncorrectPublicKeyLength')) expect(() => VerifyingKey.fromSpki(der)).to.throw(DecodeError)
        else expect(toHex(VerifyingKey.fromSpki(der).raw)).to.equal(vector['publicKey'])
      },
    })

    vectorTest({
      file: `wycheproof/mldsa_${set}_sign_seed_test.json`,
      // Tests with `mu` alone are of the internal interface, which is not offered.
      applies: (vector) => vector['msg'] !== undefined,
      check(vector, provider) {
        const seed = bytes(vector, 'privateSeed')
        if (hasFlag(vector, 'IncorrectPrivateKeyLength')) {
          expect(() => SigningKey.fromSeed(algorithm, seed, { provider })).to.throw(UsageError)
          return
        }
        const key = SigningKey.fromSeed(algorithm, seed, { provider })
        if (typeof vector['privateKeyPkcs8'] === 'string') {
          expect(toHex(key.toPkcs8())).to.equal(vector['privateKeyPkcs8'])
          expect(toHex(SigningKey.fromPkcs8(bytes(vector, 'privateKeyPkcs8')).toSeed())).to.equal(toHex(seed))
        }
        expect(toHex(key.publicKey.raw)).to.equal(vector['publicKey'])
        const message = bytes(vector, 'msg')
        if (hasFlag(vector, 'InvalidContext')) {
          expect(() => key.signSync(message, options(vector)))
            .to.throw(UsageError)
            .with.property('code', 'pqc.context.length')
          return
        }
        expect(key.publicKey.verify(message, bytes(vector, 'sig'), options(vector))).to.equal(true)
        if (provider === 'noble' && !hasFlag(vector, 'Randomized')) {
          expect(toHex(signDeterministic(algorithm, seed, message, options(vector)))).to.equal(vector['sig'])
        }
      },
    })
  }

  vectorTest({
    file: 'acvp/ML-DSA-keyGen-FIPS204.json',
    check(vector, provider) {
      const algorithm = vector['parameterSet'] as SignatureAlgorithm
      const seed = bytes(vector, 'seed')
      const implementation = selectProvider(algorithm, { provider }).signature(algorithm)!
      expect(toHex(implementation.signer(seed).publicKey)).to.equal(toHex(bytes(vector, 'pk')))
      const expanded = bytes(vector, 'sk')
      expect(implementation.matchesExpanded!(seed, expanded)).to.equal(true)
      expanded[expanded.length - 1]! ^= 1
      expect(implementation.matchesExpanded!(seed, expanded)).to.equal(false)
    },
  })

  vectorTest({
    file: 'acvp/ML-DSA-sigVer-FIPS204.json',
    applies: (vector) => vector['signatureInterface'] === 'external' && vector['preHash'] === 'pure',
    check(vector, provider) {
      const key = VerifyingKey.fromRaw(vector['parameterSet'] as SignatureAlgorithm, bytes(vector, 'pk'), { provider })
      const valid = key.verify(bytes(vector, 'message'), bytes(vector, 'signature'), options(vector, 'context'))
      expect(valid).to.equal(vector['testPassed'])
    },
  })
})
