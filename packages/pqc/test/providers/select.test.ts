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
      // Falcon is not in OpenSSL.
      const first = name.startsWith('Falcon') ? 'noble' : 'native'
      expect([providerSupports('native', name), providerSupports('noble', name)]).to.deep.equal([
        first === 'native',
        true,
      ])
      expect(selectProvider(name).name).to.equal(first)
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

  it('takes the next provider where the first is not there, asks each once, and says when none works', () => {
    let tries = 0
    const dead: Provider = {
      ...noble,
      name: 'native',
      kem: (algorithm) => ({
        ...noble.kem(algorithm)!,
        decapsulator() {
          tries++
          throw new TypeError('Invalid asymmetricKeyType')
        },
      }),
    }
    expect(firstThatWorks([dead, noble], 'ML-KEM-768')).to.equal(noble)
    expect(firstThatWorks([dead, noble], 'ML-KEM-768')).to.equal(noble)
    expect(tries).to.equal(1)
    expect(() => firstThatWorks([dead], 'ML-KEM-1024'))
      .to.throw(UsageError, 'ML-KEM-1024 does not work with provider native on Node.js v')
      .with.property('code', 'pqc.algorithm.unsupported')
  })
})
