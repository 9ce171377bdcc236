import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js'
import { expect } from 'chai'
import { PREHASHES, SigningKey, VerifyingKey, selectProvider } from '@gridseal/pqc'
import type { MlDsaAlgorithm, PrehashName, ProviderName, SignatureAlgorithm } from '@gridseal/pqc'
import { DecodeError, UsageError, toHex } from '@gridseal/wire'
import { encodePkcs8Expanded } from '#src/keys/pkcs8.ts'
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
      leftOut: internalInterface,
      sample: 4,
      check(vector, provider) {
        const seed = bytes(vector, 'privateSeed')
        if (hasFlag(vector, 'IncorrectPrivateKeyLength')) {
          expect(() => SigningKey.fromSeed(algorithm, seed, { provider })).to.throw(UsageError)
          return
        }
        if (vector['msg'] === undefined) {
          signsMu(algorithm, seed, vector)
          return
        }
        const key = SigningKey.fromSeed(algorithm, seed, { provider })
        if (typeof vector['privateKeyPkcs8'] === 'string') {
          expect(toHex(key.toPkcs8())).to.equal(vector['privateKeyPkcs8'])
          expect(toHex(SigningKey.fromPkcs8(bytes(vector, 'privateKeyPkcs8')).toSeed())).to.equal(toHex(seed))
        }
        signs(algorithm, key, seed, vector, provider)
      },
    })

    vectorTest({
      file: `wycheproof/mldsa_${set}_sign_noseed_test.json`,
      leftOut: internalInterface,
      sample: 4,
      check(vector, provider) {
        const expanded = bytes(vector, 'privateKey')
        if (hasFlag(vector, 'IncorrectPrivateKeyLength') || hasFlag(vector, 'InvalidPrivateKey')) {
          expect(() => fromExpanded(algorithm, expanded, provider))
            .to.throw()
            .with.property('code')
            .that.is.oneOf(['pqc.key.length', 'pqc.key.invalid'])
          return
        }
        if (vector['msg'] === undefined) {
          signsMu(algorithm, expanded, vector)
          return
        }
        signs(algorithm, fromExpanded(algorithm, expanded, provider), expanded, vector, provider)
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
      expect(toHex(implementation.expandedSigner!(expanded).publicKey)).to.equal(toHex(bytes(vector, 'pk')))
      expect(implementation.matchesExpanded!(seed, expanded)).to.equal(true)
      expanded[expanded.length - 1]! ^= 1
      expect(implementation.matchesExpanded!(seed, expanded)).to.equal(false)
    },
  })

  vectorTest({
    file: 'acvp/ML-DSA-sigGen-FIPS204.json',
    sample: 4,
    leftOut: (vector, provider) =>
      provider === 'native' && vector['preHash'] !== 'pure' ? 'not in node:crypto (internal, pre-hash)' : undefined,
    check(vector, provider) {
      const algorithm = vector['parameterSet'] as MlDsaAlgorithm
      const [expanded, wanted] = [bytes(vector, 'sk'), toHex(bytes(vector, 'signature'))]
      if (vector['signatureInterface'] === 'internal') {
        expect(toHex(internalSign(algorithm, expanded, vector))).to.equal(wanted)
        return
      }
      const message = bytes(vector, 'message')
      const chosen = { context: bytes(vector, 'context'), ...prehash(vector) }
      const key = fromExpanded(algorithm, expanded, provider)
      if (refusesWeakHash(key.publicKey, vector)) return
      // Only noble can be made deterministic, but both must take the signature and make one of their own.
      expect(key.publicKey.verify(message, bytes(vector, 'signature'), chosen)).to.equal(true)
      if (provider === 'noble') expect(toHex(signDeterministic(algorithm, expanded, message, chosen))).to.equal(wanted)
      else expect(key.publicKey.verify(message, key.signSync(message, chosen), chosen)).to.equal(true)
    },
  })

  vectorTest({
    file: 'acvp/ML-DSA-sigVer-FIPS204.json',
    leftOut: (vector, provider) =>
      provider === 'native' && vector['preHash'] !== 'pure' ? 'not in node:crypto (internal, pre-hash)' : undefined,
    check(vector, provider) {
      const algorithm = vector['parameterSet'] as MlDsaAlgorithm
      if (vector['signatureInterface'] === 'internal') {
        expect(internalVerify(algorithm, vector)).to.equal(vector['testPassed'])
        return
      }
      const key = VerifyingKey.fromRaw(algorithm, bytes(vector, 'pk'), { provider })
      const chosen = { ...options(vector, 'context'), ...prehash(vector) }
      if (refusesWeakHash(key, vector)) return
      const valid = key.verify(bytes(vector, 'message'), bytes(vector, 'signature'), chosen)
      expect(valid).to.equal(vector['testPassed'])
    },
  })
})

/** Some tests give only mu: they are of the internal interface, which noble has and node:crypto has not. */
function internalInterface(vector: Vector, provider: ProviderName): string | undefined {
  return provider === 'native' && vector['msg'] === undefined ? 'not in node:crypto (mu)' : undefined
}

function fromExpanded(algorithm: MlDsaAlgorithm, expanded: Uint8Array, provider: ProviderName): SigningKey {
  return SigningKey.fromPkcs8(encodePkcs8Expanded(algorithm, expanded), { provider })
}

/** A signature of the vector's key, and the vector's own where the provider can be made deterministic. */
function signs(
  algorithm: MlDsaAlgorithm,
  key: SigningKey,
  secret: Uint8Array,
  vector: Vector,
  provider: ProviderName,
): void {
  expect(toHex(key.publicKey.raw)).to.equal(vector['publicKey'])
  const message = bytes(vector, 'msg')
  if (hasFlag(vector, 'InvalidContext')) {
    expect(() => key.signSync(message, options(vector)))
      .to.throw(UsageError)
      .with.property('code', 'pqc.context.length')
    return
  }
  expect(key.publicKey.verify(message, bytes(vector, 'sig'), options(vector))).to.equal(true)
  if (provider === 'native') {
    expect(key.publicKey.verify(message, key.signSync(message, options(vector)), options(vector))).to.equal(true)
  }
  if (provider === 'noble' && !hasFlag(vector, 'Randomized')) {
    expect(toHex(signDeterministic(algorithm, secret, message, options(vector)))).to.equal(vector['sig'])
  }
}

const schemes = { 'ML-DSA-44': ml_dsa44, 'ML-DSA-65': ml_dsa65, 'ML-DSA-87': ml_dsa87 }

/** The internal interface of FIPS 204 6 is not offered; noble's is tried directly. */
function signsMu(algorithm: MlDsaAlgorithm, secret: Uint8Array, vector: Vector): void {
  const { internal, keygen } = schemes[algorithm]
  const secretKey = secret.length === 32 ? keygen(secret).secretKey : secret
  const signature = internal.sign(bytes(vector, 'mu'), secretKey, { externalMu: true, extraEntropy: false })
  expect(toHex(signature)).to.equal(vector['sig'])
}

function internalSign(algorithm: MlDsaAlgorithm, secretKey: Uint8Array, vector: Vector): Uint8Array {
  const externalMu = vector['externalMu'] === true
  const message = bytes(vector, externalMu ? 'mu' : 'message')
  return schemes[algorithm].internal.sign(message, secretKey, { externalMu, extraEntropy: false })
}

function internalVerify(algorithm: MlDsaAlgorithm, vector: Vector): boolean {
  const externalMu = vector['externalMu'] === true
  const message = bytes(vector, externalMu ? 'mu' : 'message')
  return schemes[algorithm].internal.verify(bytes(vector, 'signature'), message, bytes(vector, 'pk'), { externalMu })
}

function prehash(vector: Vector): { prehash?: PrehashName } {
  return vector['preHash'] === 'preHash' ? { prehash: vector['hashAlg'] as PrehashName } : {}
}

/** ACVP pairs every hash with every set. One that is weaker than the signature is refused (FIPS 204 5.4). */
function refusesWeakHash(key: VerifyingKey, vector: Vector): boolean {
  const chosen = prehash(vector)
  const needed = { 'ML-DSA-44': 128, 'ML-DSA-65': 192, 'ML-DSA-87': 256 }[vector['parameterSet'] as MlDsaAlgorithm]
  if (chosen.prehash === undefined || PREHASHES[chosen.prehash] >= needed) return false
  expect(() => key.verify(new Uint8Array(1), bytes(vector, 'signature'), chosen))
    .to.throw(UsageError)
    .with.property('code', 'pqc.prehash.unsupported')
  return true
}
