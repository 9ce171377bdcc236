import { expect } from 'chai'
import {
  AeadKey,
  DecapsulationKey,
  KeyWrapKey,
  Policy,
  SigningKey,
  VerifyingKey,
  currentPolicy,
  encapsulate,
  generateChKemKeyPair,
  generateX25519,
  hkdfSha256,
  hmacSha256,
  kmac256,
  setPolicy,
  sha256,
  sha3_256,
  shake256,
} from '@gridseal/pqc'
import type { PolicyName, PolicyOptions, PolicyUse } from '@gridseal/pqc'
import { AuthError, UsageError } from '@gridseal/wire'

const NOW = Date.parse('2026-11-25T00:00:00Z')

describe('policy', () => {
  const judge = (options: PolicyOptions, name: PolicyName, use: PolicyUse = 'sign', now = NOW): string => {
    const verdict = new Policy(options).judge(name, use, now)
    return verdict.allowed ? 'yes' : verdict.reason
  }

  it('allows everything by default', () => {
    for (const name of ['ML-DSA-44', 'Falcon-512', 'Ed25519', 'ChaCha20-Poly1305', 'X25519'] as const) {
      expect(judge({}, name)).to.equal('yes')
    }
  })

  it('asks for a least category; classical algorithms have none', () => {
    expect(judge({ minimumCategory: 3 }, 'ML-DSA-44')).to.equal('its category 2 is below 3')
    expect(judge({ minimumCategory: 3 }, 'ML-DSA-65')).to.equal('yes')
    expect(judge({ minimumCategory: 1 }, 'Ed25519')).to.equal('its category 0 is below 1')
    expect(judge({ minimumCategory: 3 }, 'MLDSA65-Ed25519-SHA512')).to.equal('yes')
    expect(judge({ minimumCategory: 5 }, 'CH-KEM-v1', 'encapsulate')).to.equal('yes')
  })

  it('allows only what is listed, and never what is forbidden', () => {
    const options: PolicyOptions = { allowed: ['ML-DSA-65', 'ML-DSA-87'], forbidden: ['ML-DSA-87'] }
    expect(judge(options, 'ML-DSA-65')).to.equal('yes')
    expect(judge(options, 'ML-DSA-87')).to.equal('it is forbidden')
    expect(judge(options, 'ML-DSA-44')).to.equal('it is not among those allowed')
  })

  it('demands what it judges, of every algorithm, use and time', () => {
    const uses: PolicyUse[] = ['generate', 'sign', 'verify', 'encapsulate', 'decapsulate', 'seal', 'open', 'derive']
    const names: PolicyName[] = [
      'ML-DSA-44',
      'ML-KEM-1024',
      'CH-KEM-v1',
      'X25519',
      'AES-256-GCM',
      'SHA-2',
      'Falcon-512',
    ]
    const date = Date.parse('2027-01-01')
    const all: PolicyOptions[] = [
      {},
      { fips: true },
      { minimumCategory: 3 },
      { experimental: false },
      { allowed: ['ML-DSA-44', 'X25519'] },
      { forbidden: ['CH-KEM-v1', 'SHA-2'] },
      { deprecated: { 'ML-KEM-1024': '2027-01-01', 'AES-256-GCM': '2027-01-01' } },
    ]
    for (const policy of all.map((options) => new Policy(options))) {
      for (const name of names) {
        for (const use of uses) {
          for (const now of [0, date - 1, date, 2 * date]) {
            const demand = (): void => policy.demand(name, use, now)
            if (policy.judge(name, use, now).allowed) demand()
            else expect(demand, `${name} ${use} ${now}`).to.throw(`policy does not let ${name} ${use}`)
          }
        }
      }
    }
  })

  it('lets a deprecated algorithm verify for ever, but sign only until its date', () => {
    const options: PolicyOptions = { deprecated: { 'ECDSA-P256': '2027-01-01' } }
    const after = Date.parse('2027-01-01')
    expect(judge(options, 'ECDSA-P256', 'sign')).to.equal('yes')
    expect(judge(options, 'ECDSA-P256', 'sign', after - 1)).to.equal('yes')
    expect(judge(options, 'ECDSA-P256', 'sign', after)).to.equal('it is deprecated since 2027-01-01')
    expect(judge(options, 'ECDSA-P256', 'generate', after)).not.to.equal('yes')
    expect(judge(options, 'ECDSA-P256', 'verify', after)).to.equal('yes')
  })

  it('in FIPS mode offers what is approved and nothing else', () => {
    const fips = { fips: true }
    for (const name of [
      'ML-DSA-65',
      'SLH-DSA-SHA2-128s',
      'ML-KEM-768',
      'ECDSA-P256',
      'CH-KEM-v1',
      'AES-256-GCM',
    ] as const) {
      expect(judge(fips, name), name).to.equal('yes')
    }
    for (const name of ['Falcon-512', 'ChaCha20-Poly1305', 'X25519'] as const) {
      expect(judge(fips, name), name).to.equal('it is not approved (FIPS mode)')
    }
  })

  it('can do without what is experimental', () => {
    expect(judge({ experimental: false }, 'Falcon-1024')).to.equal('it is experimental')
  })

  it('refuses options, names and dates that do not exist', () => {
    const wrong: readonly unknown[] = [
      { minimumCategory: 6 },
      { minimumCategory: 1.5 },
      { allowed: ['RSA'] },
      { forbidden: ['ml-dsa-65'] },
      { deprecated: { 'ML-DSA-44': 'soon' } },
      { deprecated: { 'ML-DSA-99': '2030-01-01' } },
      { onSelfTestFailure: 'ignore' },
      { minimumcategory: 3 },
    ]
    for (const options of wrong) {
      expect(() => new Policy(options as PolicyOptions), JSON.stringify(options))
        .to.throw(UsageError)
        .with.property('code', 'pqc.policy.option')
    }
  })

  describe('in force for the process', () => {
    const before = currentPolicy()
    afterEach(() => setPolicy(before))
    const refused = (call: () => unknown, kind: typeof UsageError | typeof AuthError): void => {
      expect(call).to.throw(kind).with.property('code', 'pqc.policy.refused')
    }

    it('is asked wherever a key is made, imported or used by name', () => {
      const key = SigningKey.generate('ML-DSA-44')
      const signature = key.signSync(new Uint8Array(3))
      const kem = DecapsulationKey.generate('ML-KEM-512')
      setPolicy(new Policy({ minimumCategory: 3 }))
      refused(() => SigningKey.generate('ML-DSA-44'), UsageError)
      refused(() => SigningKey.fromSeed('ML-DSA-44', new Uint8Array(32)), UsageError)
      refused(
        () => VerifyingKey.fromRaw('ML-DSA-44', key.publicKey.raw).verify(new Uint8Array(3), signature),
        AuthError,
      )
      refused(() => DecapsulationKey.generate('ML-KEM-512'), UsageError)
      refused(() => DecapsulationKey.fromSeed('ML-KEM-512', new Uint8Array(64)), AuthError)
      refused(() => encapsulate('ML-KEM-512', kem.publicKey), UsageError)
      refused(() => generateX25519(), UsageError)
      expect(generateChKemKeyPair().publicKey.length).to.equal(1600)
    })

    it('in FIPS mode takes the provider native only', () => {
      setPolicy(new Policy({ fips: true }))
      expect(() => SigningKey.generate('ML-DSA-44', { provider: 'noble' }))
        .to.throw(UsageError, 'in FIPS mode')
        .with.property('code', 'pqc.algorithm.unsupported')
      refused(() => new AeadKey('AES-256-GCM', new Uint8Array(32), { provider: 'noble' }), UsageError)
      refused(() => new AeadKey('ChaCha20-Poly1305', new Uint8Array(32)), UsageError)
      expect(SigningKey.generate('ML-DSA-44').publicKey.algorithm).to.equal('ML-DSA-44')
      expect(generateChKemKeyPair().publicKey.length).to.equal(1600)
    })

    it('in FIPS mode wraps keys, and makes KMACs, with the provider native only', () => {
      const [key, secret] = [new Uint8Array(32), new Uint8Array(40)]
      const [native, noble] = [new KeyWrapKey(key), new KeyWrapKey(key, { provider: 'noble' })]
      setPolicy(new Policy({ fips: true }))
      for (const mode of ['KW', 'KWP'] as const) {
        const wrapped = native.wrap(mode, secret)
        expect(native.unwrap(mode, wrapped)).to.deep.equal(secret)
        refused(() => noble.wrap(mode, secret), UsageError)
        refused(() => noble.unwrap(mode, wrapped), UsageError)
      }
      refused(() => kmac256(key, secret, 32, { provider: 'noble' }), UsageError)
      refused(() => generateChKemKeyPair(undefined, { provider: 'noble' }), UsageError)
      for (const digest of [sha256(secret), sha3_256(secret), shake256(32, secret), hmacSha256(key, secret)]) {
        expect(digest.length).to.equal(32)
      }
    })

    it('speaks of hashes and MACs, too; what is allowed need not name them', () => {
      const [key, data] = [new Uint8Array(32), new Uint8Array(3)]
      setPolicy(new Policy({ allowed: ['ML-DSA-65'], minimumCategory: 5 }))
      expect(sha256(data).length).to.equal(32)
      expect(hkdfSha256(key, key, data, 42).length).to.equal(42)
      setPolicy(new Policy({ forbidden: ['SHA-3', 'SHAKE', 'HMAC', 'KMAC256', 'AES-256-KWP'] }))
      refused(() => sha3_256(data), UsageError)
      refused(() => shake256(32, data), UsageError)
      refused(() => hmacSha256(key, data), UsageError)
      refused(() => kmac256(key, data, 32), UsageError)
      refused(() => new KeyWrapKey(key).wrap('KWP', data), UsageError)
      expect(sha256(data).length).to.equal(32)
      setPolicy(before)
      expect(sha3_256(data).length).to.equal(32)
    })
  })
})
