import { createRequire } from 'node:module'
import type * as SlhDsa from '@noble/post-quantum/slh-dsa.js'
import { expect } from 'chai'
import { SigningKey, VerifyingKey, algorithmInfo } from '@gridseal/pqc'
import type { SlhDsaAlgorithm } from '@gridseal/pqc'
import { toHex } from '@gridseal/wire'
import { bytes, vectorTest } from './vector-file.ts'
import type { Vector } from './vector-file.ts'

const slhDsa = createRequire(import.meta.url)('@noble/post-quantum/slh-dsa.js') as Record<
  string,
  typeof SlhDsa.slh_dsa_sha2_128f
>
const schemeOf = (algorithm: SlhDsaAlgorithm): typeof SlhDsa.slh_dsa_sha2_128f =>
  slhDsa[algorithm.toLowerCase().replaceAll('-', '_')]!
const isSlow = (vector: Vector): boolean => /\d+s$/.test(String(vector['parameterSet']))
const SLOW = process.env['GRIDSEAL_SLOW'] === '1'

describe('SLH-DSA vectors', function () {
  this.timeout(300_000)

  vectorTest({
    file: 'acvp/SLH-DSA-keyGen-FIPS205.json',
    // noble takes up to two seconds for a root of these; one of each set is enough for every day.
    leftOut: (vector, provider) =>
      provider === 'noble' && !SLOW && isSlow(vector) && Number(vector['tcId']) % 20 !== 2
        ? 'slow (npm run test:slow)'
        : undefined,
    check(vector, provider) {
      const algorithm = vector['parameterSet'] as SlhDsaAlgorithm
      const key = SigningKey.fromSeed(algorithm, bytes(vector, 'sk'), { provider })
      expect(toHex(key.publicKey.raw)).to.equal(toHex(bytes(vector, 'pk')))
      const n = algorithmInfo(algorithm).publicKeyLength / 2
      expect(toHex(bytes(vector, 'sk').subarray(2 * n))).to.equal(toHex(bytes(vector, 'pk')))
      if (provider === 'native') return // has no way to make a key from a given seed
      const seed = Uint8Array.of(...bytes(vector, 'skSeed'), ...bytes(vector, 'skPrf'), ...bytes(vector, 'pkSeed'))
      expect(toHex(schemeOf(algorithm).keygen(seed).secretKey)).to.equal(toHex(bytes(vector, 'sk')))
    },
  })

  vectorTest({
    file: 'acvp/SLH-DSA-sigVer-FIPS205.json',
    // All of them are of the internal interface (FIPS 205 9.3), which is not offered: noble's is tried directly.
    leftOut: (_vector, provider) => (provider === 'native' ? 'not in node:crypto (internal)' : undefined),
    providers: ['noble'],
    check(vector) {
      const { internal } = schemeOf(vector['parameterSet'] as SlhDsaAlgorithm)
      const valid = internal.verify(bytes(vector, 'signature'), bytes(vector, 'message'), bytes(vector, 'pk'))
      expect(valid).to.equal(vector['testPassed'])
    },
  })

  it('acvp/SLH-DSA-sigVer-FIPS205.json, native: 0 of 30, all of the internal interface, which node:crypto has not', () => {
    // What can be said of native is said by the signatures of the self-tests and by crossing it with noble.
    const key = SigningKey.generate('SLH-DSA-SHAKE-128f', { provider: 'native' })
    const verifier = VerifyingKey.fromRaw('SLH-DSA-SHAKE-128f', key.publicKey.raw, { provider: 'noble' })
    expect(verifier.verify(new Uint8Array(3), key.signSync(new Uint8Array(3)))).to.equal(true)
  })
})
