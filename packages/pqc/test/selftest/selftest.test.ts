import { execFileSync } from 'node:child_process'
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  ALGORITHMS,
  AeadKey,
  ChKemEncapsulationKey,
  DecapsulationKey,
  EncapsulationKey,
  KeyWrapKey,
  LmsVerifyingKey,
  MacKey,
  Policy,
  SigningKey,
  XmssVerifyingKey,
  chKemEncapsulate,
  chKemKdf,
  chKemKdf1,
  checkIntegrity,
  compositeMessageSigner,
  cryptoStatus,
  currentPolicy,
  encryptPkcs8,
  ephemeralChKemKeyPair,
  ephemeralKeyPair,
  generateChKemKeyPair,
  generateX25519,
  hkdfExpandSha256,
  hkdfSha256,
  kmac256,
  publicSha512,
  randomBytes,
  runSelfTests,
  sealFolder,
  setPolicy,
  sha256,
  sha3_256,
  sha512,
  shake256,
  splitSecret,
  transcriptHash,
} from '@gridseal/pqc'
import type { Provider, SelfTestOptions } from '@gridseal/pqc'
import { InternalError, UsageError } from '@gridseal/wire'
import { clearFailures, reportFailure } from '#src/policy/module-state.ts'
import { native } from '#src/providers/native.ts'
import { noble } from '#src/providers/noble.ts'
import { passes, runTests } from '#src/selftest/conditional.ts'
import { opensslFips } from '#src/selftest/run.ts'
import { kmacTest } from '#src/symmetric/kmac.ts'
import { SYMMETRIC_TESTS, runSymmetricTests } from '#src/selftest/symmetric-tests.ts'
import { withFolder } from '../../../../test/support/folders.ts'

describe('self-tests', function () {
  this.timeout(60_000)
  const before = currentPolicy()
  afterEach(() => {
    clearFailures()
    runSymmetricTests()
    setPolicy(before)
  })

  it('run for every algorithm of every provider and name vector and time', () => {
    const { passed, tests } = runSelfTests({ providers: ['native'] })
    expect(passed).to.equal(true)
    for (const { name } of ALGORITHMS) {
      if (name.startsWith('Falcon')) continue
      const mine = tests.filter(({ subject }) => subject === name)
      expect(mine.length, name).to.be.greaterThan(1)
      for (const { outcome, source, milliseconds } of mine) {
        expect(outcome, name).to.equal('passed')
        expect(source).not.to.equal('')
        expect(milliseconds).to.be.at.least(0)
      }
    }
    expect(tests.filter(({ subject }) => subject === 'symmetric')).to.have.length(SYMMETRIC_TESTS.length)
  })

  // What a provider may do wrong, and the test that finds it.
  const { signature, kem } = noble
  const wrongKey: Provider = {
    ...noble,
    signature: (algorithm) => {
      const implementation = signature(algorithm)!
      return { ...implementation, signer: () => implementation.signer(new Uint8Array(32).fill(1)) }
    },
  }
  const says = (answer: boolean): Provider => ({
    ...noble,
    signature: (algorithm) => ({ ...signature(algorithm)!, verifier: () => ({ verify: () => answer }) }),
  })
  const cannotVerify: Provider = {
    ...noble,
    signature: (algorithm) => ({
      ...signature(algorithm)!,
      verifier: () => {
        throw new TypeError('unsupported')
      },
    }),
  }
  const otherSecret: Provider = {
    ...noble,
    kem: (algorithm) => ({
      ...kem(algorithm)!,
      encapsulator: () => ({
        encapsulate: () => ({ ciphertext: new Uint8Array(1088), sharedSecret: new Uint8Array(32) }),
      }),
    }),
  }
  const explicitRejection: Provider = {
    ...noble,
    kem: (algorithm) => {
      const implementation = kem(algorithm)!
      return {
        ...implementation,
        decapsulator: (seed) => {
          const key = implementation.decapsulator(seed)
          const decapsulate = (ciphertext: Uint8Array): Uint8Array =>
            ciphertext.every((byte) => byte === 0) ? new Uint8Array(32) : key.decapsulate(ciphertext)
          return { publicKey: key.publicKey, decapsulate }
        },
      }
    },
  }
  for (const [what, provider, algorithm] of [
    ['derives another key', wrongKey, 'ML-DSA-44'],
    ['takes every signature', says(true), 'ML-DSA-44'],
    ['takes every dual signature', says(true), 'MLDSA44-Ed25519-SHA512'],
    ['takes no signature', says(false), 'ML-DSA-65'],
    ['imports keys and cannot verify', cannotVerify, 'ML-DSA-87'],
    ['makes another secret', otherSecret, 'ML-KEM-768'],
    ['does not reject implicitly', explicitRejection, 'ML-KEM-1024'],
  ] as const) {
    it(`a provider that ${what} stops the core: every call throws`, () => {
      const key = SigningKey.generate('ML-DSA-44')
      const aead = new AeadKey('AES-256-GCM', new Uint8Array(32))
      expect(passes(provider, algorithm)).to.equal(false)
      expect(cryptoStatus().state).to.equal('error')
      const calls = [
        () => key.signSync(new Uint8Array(1)),
        () => key.publicKey.verify(new Uint8Array(1), new Uint8Array(2420)),
        () => SigningKey.generate('ML-DSA-65'),
        () => aead.seal(new Uint8Array(12), new Uint8Array(1), new Uint8Array(0)),
        () => sha256(new Uint8Array(1)),
        () => randomBytes(8),
      ]
      for (const call of calls) {
        expect(call).to.throw(InternalError).with.property('code', 'pqc.self-test.failed')
      }
      clearFailures()
      expect(key.signSync(new Uint8Array(1))).to.have.length(2420)
    })
  }

  it('the error state leaves nothing that still works', async () => {
    const bytes = new Uint8Array(32)
    const key = SigningKey.generate('ML-DSA-44')
    const dual = compositeMessageSigner('MLDSA44-Ed25519-SHA512', key, SigningKey.generate('Ed25519'))
    const [kem, hybrid] = [DecapsulationKey.generate('ML-KEM-512'), DecapsulationKey.generate('X-Wing')]
    const ephemeral = ephemeralKeyPair('ML-KEM-512')
    const [toKem, toHybrid] = [
      EncapsulationKey.fromRaw('ML-KEM-512', kem.publicKey),
      EncapsulationKey.fromRaw('X-Wing', hybrid.publicKey),
    ]
    const { ciphertext } = toKem.encapsulate()
    const [ch, x] = [generateChKemKeyPair(), generateX25519()]
    const toCh = ChKemEncapsulationKey.fromRaw(ch.publicKey)
    const [aead, mac, wrap] = [
      new AeadKey('AES-256-GCM', bytes),
      new MacKey(bytes),
      new KeyWrapKey(bytes, { provider: 'noble' }),
    ]
    const [nonce, none] = [new Uint8Array(12), new Uint8Array(0)]
    const lms = LmsVerifyingKey.fromRaw(Uint8Array.of(0, 0, 0, 5, 0, 0, 0, 4, ...new Uint8Array(48)))
    const xmss = XmssVerifyingKey.fromRaw(Uint8Array.of(0, 0, 0, 1, ...new Uint8Array(64)))
    const calls: readonly (readonly [string, () => unknown])[] = [
      ['SigningKey.sign', () => key.sign(bytes)],
      ['SigningKey.generate', () => SigningKey.generate('Ed25519')],
      ['SigningKey.fromSeed', () => SigningKey.fromSeed('ML-DSA-44', bytes)],
      ['dual', () => dual.sign(bytes)],
      ['VerifyingKey.verify', () => key.publicKey.verify(bytes, new Uint8Array(2420))],
      ['LMS', () => lms.verify(bytes, bytes)],
      ['XMSS', () => xmss.verify(bytes, bytes)],
      ['DecapsulationKey.generate', () => DecapsulationKey.generate('ML-KEM-512')],
      ['ML-KEM decapsulate', () => kem.decapsulate(ciphertext)],
      ['ephemeral decapsulate', () => ephemeral.decapsulate(ciphertext)],
      ['ML-KEM encapsulate', () => toKem.encapsulate()],
      ['X-Wing decapsulate', () => hybrid.decapsulate(new Uint8Array(1120))],
      ['X-Wing encapsulate', () => toHybrid.encapsulate()],
      ['CH-KEM decapsulate', () => ch.decapsulate(new Uint8Array(1600).fill(9), 'initiator')],
      ['CH-KEM encapsulate', () => toCh.encapsulate('initiator')],
      ['CH-KEM encapsulate once', () => chKemEncapsulate(ch.publicKey, 'initiator')],
      ['CH-KEM ephemeral', () => ephemeralChKemKeyPair()],
      ['X25519 generate', () => generateX25519()],
      ['X25519 agree', () => x.agree(x.publicKey)],
      ['CH-KEM KDF', () => chKemKdf('a', [bytes], 32)],
      ['CH-KEM KDF1', () => chKemKdf1('a', bytes, 32)],
      ['CH-KEM transcript', () => transcriptHash(bytes)],
      ['AEAD', () => new AeadKey('AES-256-GCM', bytes)],
      ['seal', () => aead.seal(nonce, bytes, none)],
      ['open', () => aead.open(nonce, bytes, none)],
      ['HMAC', () => mac.hmacSha256(bytes)],
      ['HKDF', () => hkdfSha256(bytes, none, none, 32)],
      ['HKDF expand', () => hkdfExpandSha256(bytes, none, 32)],
      ['KMAC', () => kmac256(bytes, bytes, 32)],
      ['wrap', () => wrap.wrap('KW', bytes)],
      ['unwrap', () => wrap.unwrap('KW', new Uint8Array(40))],
      ['SHA-512', () => sha512(bytes)],
      ['SHA-512 of what is public', () => publicSha512(bytes)],
      ['SHA3-256', () => sha3_256(bytes)],
      ['SHAKE256', () => shake256(32, bytes)],
      ['random', () => randomBytes(8)],
      ['shares', () => splitSecret(bytes, bytes, 2, 3)],
      ['key file', () => encryptPkcs8(bytes, 'x', { N: 2, r: 1, p: 1 })],
    ]
    const outcomeOf = ([, call]: (typeof calls)[number]): Promise<unknown> =>
      Promise.resolve()
        .then(call)
        .catch((thrown: unknown) => thrown)
    // Once before, so that nothing stands on an answer that was kept.
    for (const call of calls) await outcomeOf(call)
    expect(passes(says(true), 'ML-DSA-44')).to.equal(false)
    for (const call of calls) {
      const [name] = call
      const error = await outcomeOf(call)
      expect(error, name).to.be.instanceOf(InternalError).with.property('code', 'pqc.self-test.failed')
    }
  })

  it('the error state is left only by the tests that failed', () =>
    withFolder(async (folder) => {
      reportFailure({ test: 'ML-DSA-65: public key of a private key', provider: 'native' })
      expect(runSelfTests({ providers: ['noble'] }).passed).to.equal(true)
      expect(cryptoStatus().state).to.equal('error')
      expect(runSelfTests({ providers: ['native'] }).passed).to.equal(true)
      expect(cryptoStatus().state).to.equal('operational')
      // Files that were changed are not whole because nobody asks for them.
      const key = SigningKey.generate('ML-DSA-44')
      await writeFile(join(folder, 'package.json'), '{}')
      for (const [name, bytes] of Object.entries(await sealFolder(folder, key)))
        await writeFile(join(folder, name), bytes)
      await writeFile(join(folder, 'package.json'), '{ }')
      const files = { providers: [], integrityKey: key.publicKey, folder }
      expect(runSelfTests(files).passed).to.equal(false)
      runSelfTests({ providers: ['native'] })
      expect(cryptoStatus().state).to.equal('error')
      await writeFile(join(folder, 'package.json'), '{}')
      // In the error state no signature is checked, and the report says so.
      reportFailure({ test: 'ML-DSA-65: public key of a private key', provider: 'native' })
      const report = runSelfTests(files)
      expect(report.passed).to.equal(false)
      expect(report.tests.at(-1)).to.include({ subject: 'integrity', outcome: 'failed' })
      expect(runSelfTests({ ...files, providers: ['native'] }).passed).to.equal(true)
      expect(cryptoStatus().state).to.equal('operational')
      expect(() => runSelfTests({ integrityKeys: [] } as SelfTestOptions))
        .to.throw(UsageError)
        .with.property('code', 'pqc.option.unknown')
    }))

  it('a new key whose halves do not fit is not given out: its pairwise test stops the core', () => {
    const [sign, open] = [SigningKey.generate('ML-DSA-44'), DecapsulationKey.generate('ML-KEM-512')]
    const broken = native as { -readonly [K in keyof Provider]: Provider[K] }
    const { signature: goodSignature, kem: goodKem } = native
    broken.signature = (algorithm) => ({
      ...goodSignature(algorithm)!,
      signer: (seed) => {
        const good = goodSignature(algorithm)!.signer(seed)
        return { ...good, publicKey: good.publicKey, signSync: () => sign.signSync(new Uint8Array(1)) }
      },
    })
    broken.kem = (algorithm) => ({
      ...goodKem(algorithm)!,
      decapsulator: (seed) => {
        const { publicKey } = goodKem(algorithm)!.decapsulator(seed)
        return { publicKey, decapsulate: (ciphertext) => open.decapsulate(ciphertext) }
      },
    })
    try {
      for (const [name, make] of [
        ['ML-DSA-44', () => SigningKey.generate('ML-DSA-44', { provider: 'native' })],
        ['ML-KEM-512', () => DecapsulationKey.generate('ML-KEM-512', { provider: 'native' })],
      ] as const) {
        expect(make).to.throw(InternalError).with.property('code', 'pqc.pairwise')
        const { state, failures } = cryptoStatus()
        expect([state, failures.at(-1)]).to.deep.equal([
          'error',
          { test: `${name}: pairwise consistency`, provider: 'module' },
        ])
        clearFailures()
      }
    } finally {
      broken.signature = goodSignature
      broken.kem = goodKem
    }
  })

  it('one that is not there is no failure', () => {
    const missing: Provider = {
      ...noble,
      kem: () => ({
        ...kem('ML-KEM-768')!,
        decapsulator: () => {
          throw new TypeError('Invalid asymmetricKeyType')
        },
      }),
    }
    expect(runTests(missing, 'ML-KEM-768').map(({ outcome }) => outcome)).to.deep.equal(['missing'])
    expect(cryptoStatus().state).to.equal('operational')
  })

  it('the degraded mode goes on without what failed, and says so', () => {
    setPolicy(new Policy({ onSelfTestFailure: 'degrade' }))
    expect(passes({ ...wrongKey }, 'ML-DSA-44')).to.equal(false)
    expect(passes({ ...wrongKey }, 'ML-DSA-44')).to.equal(false)
    expect(cryptoStatus()).to.include({ state: 'degraded', approved: false })
    expect(cryptoStatus().failures).to.deep.equal([
      { test: 'ML-DSA-44: public key of a private key', provider: 'noble' },
    ])
    expect(SigningKey.generate('ML-DSA-65').algorithm).to.equal('ML-DSA-65')
    setPolicy(new Policy())
    expect(cryptoStatus().state).to.equal('error')
  })

  it('of hashes and ciphers run before the first hash of a process', () => {
    const script = `
      import { cryptoStatus, sha256 } from '@gridseal/pqc'
      const before = cryptoStatus().symmetric
      sha256(new Uint8Array(1))
      process.stdout.write(before + ', ' + cryptoStatus().symmetric)`
    const args = ['-C', 'source', '--input-type=module', '-e', script]
    const options = { cwd: import.meta.dirname, encoding: 'utf8' } as const
    expect(execFileSync(process.execPath, args, options)).to.equal('not run, passed')
  })

  it('a corrupted answer of a hash or cipher stops everything', () => {
    runSymmetricTests([{ name: 'SHA-256', source: 'corrupted', run: () => false }])
    expect(cryptoStatus()).to.include({ state: 'error', symmetric: 'failed' })
    expect(() => new AeadKey('AES-256-GCM', new Uint8Array(32)))
      .to.throw(InternalError)
      .with.property('code', 'pqc.self-test.failed')
  })

  it('nor does the degraded mode go on without hashes and ciphers', () => {
    setPolicy(new Policy({ onSelfTestFailure: 'degrade' }))
    const aead = new AeadKey('AES-256-GCM', new Uint8Array(32))
    sha256(new Uint8Array(1))
    runSymmetricTests([{ name: 'SHA-256', source: 'corrupted', run: () => false }])
    setPolicy(new Policy({ onSelfTestFailure: 'degrade' }))
    expect(cryptoStatus().state).to.equal('error')
    for (const call of [
      () => sha256(new Uint8Array(1)),
      () => aead.seal(new Uint8Array(12), new Uint8Array(1), new Uint8Array(0)),
    ]) {
      expect(call).to.throw(InternalError).with.property('code', 'pqc.self-test.failed')
    }
    reportFailure({ test: 'integrity of the shipped files', provider: 'module' })
    runSelfTests({ providers: [] })
    expect(cryptoStatus().state).to.equal('degraded')
  })

  it('know a wrong KWP, KMAC and X25519', () => {
    for (const name of ['AES-256-KWP wrap and unwrap', 'X25519']) {
      expect(SYMMETRIC_TESTS.map((test) => test.name)).to.include(name)
    }
    expect(
      kmacTest(() => new Uint8Array(32)),
      'another answer',
    ).to.equal(false)
    expect(kmacTest((key, message) => kmac256(key, message, 32))).to.equal(true)
  })

  it('the status tells approved from not', () => {
    const { nonApprovedUses, refusals } = cryptoStatus()
    setPolicy(new Policy({ fips: true }))
    expect(cryptoStatus().mode).to.equal('fips')
    expect(() => new AeadKey('ChaCha20-Poly1305', new Uint8Array(32))).to.throw(UsageError)
    expect(cryptoStatus().refusals).to.equal(refusals + 1)
    setPolicy(new Policy())
    new AeadKey('ChaCha20-Poly1305', new Uint8Array(32))
    expect(cryptoStatus()).to.deep.include({ mode: 'standard', approved: false, nonApprovedUses: nonApprovedUses + 1 })
    // noble is no part of what FIPS mode would offer, whatever the algorithm.
    new AeadKey('AES-256-GCM', new Uint8Array(32), { provider: 'noble' })
    new AeadKey('AES-256-GCM', new Uint8Array(32), { provider: 'native' })
    expect(cryptoStatus().nonApprovedUses).to.equal(nonApprovedUses + 2)
  })

  it('does not believe getFips() without a FIPS provider', () => {
    const fails = (): never => {
      throw new TypeError('unsupported')
    }
    expect(opensslFips(() => 0)).to.equal('none')
    expect(opensslFips(() => 1, fails)).to.equal('broken')
    expect(
      opensslFips(
        () => 1,
        () => '',
      ),
    ).to.equal('active')
  })

  it('find files that were changed, added or taken away since the release was signed', () =>
    withFolder(async (folder) => {
      const key = SigningKey.generate('ML-DSA-44')
      await mkdir(join(folder, 'dist'))
      await writeFile(join(folder, 'package.json'), '{}')
      await writeFile(join(folder, 'dist/index.js'), 'export {}')
      expect(checkIntegrity(folder, key.publicKey).outcome).to.equal('unsigned')
      for (const [name, bytes] of Object.entries(await sealFolder(folder, key)))
        await writeFile(join(folder, name), bytes)
      expect(checkIntegrity(folder, key.publicKey)).to.include({ outcome: 'passed', files: 2 })
      const stranger = SigningKey.generate('ML-DSA-44').publicKey
      expect(checkIntegrity(folder, stranger).outcome).to.equal('failed')
      await rename(join(folder, 'integrity.sig'), join(folder, 'signature'))
      expect(checkIntegrity(folder, key.publicKey).outcome, 'a manifest that nobody signed').to.equal('failed')
      await rename(join(folder, 'signature'), join(folder, 'integrity.sig'))
      await writeFile(join(folder, 'dist/index.js'), 'export { }')
      await writeFile(join(folder, 'dist/more.js'), '')
      await symlink('../package.json', join(folder, 'dist/other.js'))
      const report = checkIntegrity(folder, key.publicKey)
      expect(report.outcome === 'failed' && report.problems).to.deep.equal([
        'dist/index.js has been changed',
        'dist/more.js was not shipped',
        'dist/other.js was not shipped',
      ])
      expect(runSelfTests({ providers: [], integrityKey: key.publicKey, folder }).passed).to.equal(false)
      expect(cryptoStatus().state).to.equal('error')
    }))
})
