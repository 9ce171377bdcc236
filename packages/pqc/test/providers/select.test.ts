import { expect } from 'chai'
import {
  ALGORITHMS,
  PROVIDER_VARIABLE,
  SigningKey,
  generateX25519,
  providerSupports,
  selectProvider,
} from '@gridseal/pqc'
import type { Provider, ProviderName } from '@gridseal/pqc'
import { UsageError } from '@gridseal/wire'
import { noble } from '#src/providers/noble.ts'
import { probe } from '#src/providers/probe.ts'
import { firstThatWorks } from '#src/providers/select.ts'

describe('choice of provider', () => {
  const before = process.env[PROVIDER_VARIABLE]
  afterEach(() => {
    if (before === undefined) delete process.env[PROVIDER_VARIABLE]
    else process.env[PROVIDER_VARIABLE] = before
  })

  for (const { name } of ALGORITHMS) {
    it(`${name}: native where it works, noble where asked`, () => {
      delete process.env[PROVIDER_VARIABLE]
      expect([providerSupports('native', name), providerSupports('noble', name)]).to.deep.equal([true, true])
      expect(selectProvider(name).name).to.equal('native')
      expect(selectProvider(name, { provider: 'noble' }).name).to.equal('noble')
    })
  }

  it('follows the environment, which an option overrides', () => {
    process.env[PROVIDER_VARIABLE] = 'noble'
    expect(selectProvider('ML-DSA-65').name).to.equal('noble')
    expect(selectProvider('ML-DSA-65', { provider: 'native' }).name).to.equal('native')
    process.env[PROVIDER_VARIABLE] = ''
    expect(selectProvider('ML-DSA-65').name).to.equal('native')
  })

  it('refuses a provider that does not exist and says which do', () => {
    process.env[PROVIDER_VARIABLE] = 'openssl'
    for (const call of [() => selectProvider('ML-KEM-768'), () => generateX25519()]) {
      expect(call)
        .to.throw(UsageError, 'GRIDSEAL_PQC_PROVIDER: "openssl" is not one of native, noble')
        .with.property('code', 'pqc.provider.unknown')
    }
    const wrong = 'wasm' as ProviderName
    expect(() => SigningKey.generate('ML-DSA-44', { provider: wrong }))
      .to.throw(UsageError)
      .with.property('code', 'pqc.provider.unknown')
  })

  it('refuses an algorithm that does not exist', () => {
    const wrong = 'ML-DSA-99' as 'ML-DSA-44'
    for (const call of [() => selectProvider(wrong), () => providerSupports('native', wrong)]) {
      expect(call).to.throw(UsageError).with.property('code', 'pqc.algorithm.unknown')
    }
  })

  it('takes the next provider where the first does not work, tries each once, and says when none does', () => {
    let tries = 0
    const dead: Provider = {
      ...noble,
      name: 'native',
      kems: {
        ...noble.kems,
        decapsulator() {
          tries++
          throw new TypeError('Invalid asymmetricKeyType')
        },
      },
    }
    expect(firstThatWorks([dead, noble], 'ML-KEM-768')).to.equal(noble)
    expect(firstThatWorks([dead, noble], 'ML-KEM-768')).to.equal(noble)
    expect(tries).to.equal(1)
    expect(() => firstThatWorks([dead], 'ML-KEM-1024'))
      .to.throw(UsageError, 'ML-KEM-1024 does not work with provider native on Node.js v')
      .with.property('code', 'pqc.algorithm.unsupported')
  })

  it('does not believe a provider that gives a wrong key, throws or cannot verify its own signature', () => {
    const { signatures, kems } = noble
    const broken = [
      {
        ...noble,
        signatures: { ...signatures, signer: () => signatures.signer('ML-DSA-44', new Uint8Array(32).fill(1)) },
      },
      { ...noble, signatures: { ...signatures, verifier: () => ({ verify: () => false }) } },
      {
        ...noble,
        signatures: {
          ...signatures,
          signer: () => {
            throw new TypeError('Invalid asymmetricKeyType')
          },
        },
      },
    ]
    for (const provider of broken) expect(probe(provider, 'ML-DSA-44')).to.equal(false)
    const deaf = {
      ...noble,
      kems: {
        ...kems,
        encapsulator: () => ({
          encapsulate: () => ({ ciphertext: new Uint8Array(1088), sharedSecret: new Uint8Array(32) }),
        }),
      },
    }
    expect(probe(deaf, 'ML-KEM-768')).to.equal(false)
    expect(probe(noble, 'ML-DSA-44')).to.equal(true)
  })
})
