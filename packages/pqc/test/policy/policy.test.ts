import { execFileSync } from 'node:child_process'
import { expect } from 'chai'
import {
  AeadKey,
  ChKemEncapsulationKey,
  DecapsulationKey,
  EncapsulationKey,
  KeyWrapKey,
  Policy,
  SigningKey,
  VerifyingKey,
  XmssVerifyingKey,
  chKemEncapsulate,
  compositeMessageSigner,
  cryptoStatus,
  currentPolicy,
  decryptPkcs8,
  encapsulate,
  encryptPkcs8,
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
      { deprecated: { 'ML-DSA-44': '2030' } },
      { deprecated: { 'ML-DSA-44': '1/2/2030' } },
      { deprecated: { 'ML-DSA-99': '2030-01-01' } },
      { onSelfTestFailure: 'ignore' },
      { minimumcategory: 3 },
      { fips: 'no' },
      { fips: 1 },
      { experimental: 'false' },
      { allowed: 'ML-DSA-65' },
      { allowed: null },
      { forbidden: new Set(['ML-DSA-44']) },
      { deprecated: null },
      { deprecated: { 'ML-DSA-44': 2030 } },
      null,
    ]
    for (const options of wrong) {
      expect(() => new Policy(options as PolicyOptions), JSON.stringify(options))
        .to.throw(UsageError)
        .with.property('code', 'pqc.policy.option')
    }
  })

  it('shows the options that are in force, not what became of the object that they came in', () => {
    const options = { forbidden: ['ML-DSA-44'] as PolicyName[], minimumCategory: 1 }
    const policy = new Policy(options)
    options.minimumCategory = 5
    options.forbidden.length = 0
    expect(policy.options).to.deep.equal({ forbidden: ['ML-DSA-44'], minimumCategory: 1 })
  })

  it('is FIPS mode from the start where the environment says anything but no', () => {
    const script = "import { cryptoStatus } from '@gridseal/pqc'; process.stdout.write(cryptoStatus().mode)"
    const args = ['-C', 'source', '--input-type=module', '-e', script]
    const mode = (value: string): string => {
      const env = { ...process.env, GRIDSEAL_FIPS: value }
      return execFileSync(process.execPath, args, { cwd: import.meta.dirname, encoding: 'utf8', env })
    }
    expect(['1', 'true', 'on', '', '0'].map(mode)).to.deep.equal(['fips', 'fips', 'fips', 'standard', 'standard'])
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
      refused(() => new KeyWrapKey(key).unwrap('KWP', new Uint8Array(16)), AuthError)
      expect(sha256(data).length).to.equal(32)
      setPolicy(before)
      expect(sha3_256(data).length).to.equal(32)
    })

    it('in FIPS mode verifies only with the sets of XMSS that SP 800-208 approves', () => {
      const key = (set: number, n: number): XmssVerifyingKey =>
        XmssVerifyingKey.fromRaw(Uint8Array.of(0, 0, 0, set, ...new Uint8Array(2 * n)))
      // SHA2_10_256 and SHAKE256_10_192; SHA2_10_512 and SHAKE_10_256.
      const [approved, others] = [
        [key(1, 32), key(0x13, 24)],
        [key(4, 64), key(7, 32)],
      ]
      for (const one of [...approved, ...others])
        expect(one.verify(new Uint8Array(1), new Uint8Array(1))).to.equal(false)
      setPolicy(new Policy({ fips: true }))
      for (const one of approved) expect(one.verify(new Uint8Array(1), new Uint8Array(1))).to.equal(false)
      for (const one of others) refused(() => one.verify(new Uint8Array(1), new Uint8Array(1)), AuthError)
    })

    it('is a Policy, not its options', () => {
      expect(() => setPolicy({ fips: true } as unknown as Policy))
        .to.throw(UsageError)
        .with.property('code', 'pqc.argument.type')
      expect(currentPolicy()).to.equal(before)
    })

    it('is asked before a provider is chosen and tested: in FIPS mode a Falcon signature is refused as what a peer sent', () => {
      const key = VerifyingKey.fromRaw('Falcon-1024', new Uint8Array(1793))
      setPolicy(new Policy({ fips: true }))
      const { refusals } = cryptoStatus()
      refused(() => key.verify(new Uint8Array(3), new Uint8Array(1280)), AuthError)
      refused(() => SigningKey.generate('Falcon-1024'), UsageError)
      expect(cryptoStatus().refusals).to.equal(refusals + 2)
    })

    it('does not make a self-test fail: what was forbidden works when it is allowed again', () => {
      const script = `
        import { DecapsulationKey, Policy, setPolicy } from '@gridseal/pqc'
        const before = setPolicy(new Policy({ forbidden: ['SHAKE', 'SHA-3'] }))
        DecapsulationKey.generate('MLKEM1024-P384')
        setPolicy(before)
        process.stdout.write(DecapsulationKey.generate('X-Wing').algorithm)`
      const args = ['-C', 'source', '--input-type=module', '-e', script]
      const options = { cwd: import.meta.dirname, encoding: 'utf8' } as const
      expect(execFileSync(process.execPath, args, options)).to.equal('X-Wing')
    })

    it('allows with CH-KEM-v1 what it is made of', () => {
      setPolicy(new Policy({ allowed: ['CH-KEM-v1'] }))
      const pair = generateChKemKeyPair()
      const { ciphertext, sharedSecret } = chKemEncapsulate(pair.publicKey, 'initiator')
      expect(pair.decapsulate(ciphertext, 'initiator')).to.deep.equal(sharedSecret)
      refused(() => DecapsulationKey.generate('ML-KEM-768'), UsageError)
    })

    it('lets what is deprecated open what there is, whatever form the key has', () => {
      const key = DecapsulationKey.generate('ML-KEM-768')
      const { ciphertext, sharedSecret } = encapsulate('ML-KEM-768', key.publicKey)
      const expanded = key.toPkcs8('expanded')
      const [nonce, text] = [new Uint8Array(12), new Uint8Array(3)]
      const sealed = new AeadKey('ChaCha20-Poly1305', new Uint8Array(32)).seal(nonce, text, text)
      setPolicy(new Policy({ deprecated: { 'ML-KEM-768': '2020-01-01', 'ChaCha20-Poly1305': '2020-01-01' } }))
      for (const old of [DecapsulationKey.fromSeed('ML-KEM-768', key.seed), DecapsulationKey.fromPkcs8(expanded)]) {
        expect(old.decapsulate(ciphertext)).to.deep.equal(sharedSecret)
      }
      const aead = new AeadKey('ChaCha20-Poly1305', new Uint8Array(32))
      expect(aead.open(nonce, sealed, text)).to.deep.equal(text)
      refused(() => aead.seal(nonce, text, text), UsageError)
    })

    it('ends signing and encapsulating at the date, also with keys that were imported before', () => {
      const key = SigningKey.generate('ML-DSA-44')
      const kem = DecapsulationKey.generate('ML-KEM-512')
      const pair = generateChKemKeyPair()
      const [toKem, toPair] = [
        EncapsulationKey.fromRaw('ML-KEM-512', kem.publicKey),
        ChKemEncapsulationKey.fromRaw(pair.publicKey),
      ]
      const signature = key.signSync(new Uint8Array(3))
      const { ciphertext, sharedSecret } = toKem.encapsulate()
      const until = (date: string): Policy =>
        new Policy({ deprecated: { 'ML-DSA-44': date, 'ML-KEM-512': date, 'CH-KEM-v1': date } })
      setPolicy(until('2999-01-01'))
      expect([key.signSync(new Uint8Array(3)).length, toPair.encapsulate('initiator').ciphertext.length]).to.deep.equal(
        [2420, 1600],
      )
      setPolicy(until('2020-01-01'))
      refused(() => key.signSync(new Uint8Array(3)), UsageError)
      refused(() => key.sign(new Uint8Array(3)), UsageError)
      refused(() => toKem.encapsulate(), UsageError)
      refused(() => toPair.encapsulate('initiator'), UsageError)
      expect(key.publicKey.verify(new Uint8Array(3), signature)).to.equal(true)
      expect(kem.decapsulate(ciphertext)).to.deep.equal(sharedSecret)
    })

    it('speaks of dual signatures whose legs are in two places, too', async () => {
      const [pq, classical] = [SigningKey.generate('ML-DSA-65'), SigningKey.generate('Ed25519')]
      const dual = compositeMessageSigner('MLDSA65-Ed25519-SHA512', pq, classical)
      setPolicy(new Policy({ deprecated: { 'MLDSA65-Ed25519-SHA512': '2020-01-01' } }))
      const error: unknown = await dual.sign(new Uint8Array(3)).catch((thrown: unknown) => thrown)
      expect(error).to.be.instanceOf(UsageError).with.property('code', 'pqc.policy.refused')
    })

    it('in FIPS mode opens no key file that scrypt protects, and writes none', async () => {
      const cost = { N: 1024, r: 8, p: 1 }
      const der = await encryptPkcs8(new Uint8Array(8), 'x', cost)
      setPolicy(new Policy({ fips: true }))
      for (const call of [encryptPkcs8(new Uint8Array(8), 'x', cost), decryptPkcs8(der, 'x')]) {
        const error: unknown = await call.catch((thrown: unknown) => thrown)
        expect(error).to.be.instanceOf(UsageError).with.property('code', 'pqc.policy.refused')
      }
    })
  })
})
