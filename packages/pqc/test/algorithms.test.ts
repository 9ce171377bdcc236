import { expect } from 'chai'
import {
  ALGORITHMS,
  algorithmByCose,
  algorithmByOid,
  algorithmInfo,
  isKemAlgorithm,
  isSignatureAlgorithm,
} from '@gridseal/pqc'
import type { SignatureAlgorithm } from '@gridseal/pqc'
import { UsageError, encodeOid, toHex } from '@gridseal/wire'

describe('algorithm tables', () => {
  // FIPS 203 table 3, FIPS 204 tables 1 and 2; RFC 9881, 9935 and 9964.
  const rows = [
    ['ML-DSA-44', 2, 1312, 32, 2560, 2420, '608648016503040311', -48],
    ['ML-DSA-65', 3, 1952, 32, 4032, 3309, '608648016503040312', -49],
    ['ML-DSA-87', 5, 2592, 32, 4896, 4627, '608648016503040313', -50],
    ['ML-KEM-768', 3, 1184, 64, 2400, 1088, '608648016503040402', undefined],
    ['ML-KEM-1024', 5, 1568, 64, 3168, 1568, '608648016503040403', undefined],
  ] as const

  it('has these algorithms and no others', () => {
    expect(ALGORITHMS.map((info) => info.name)).to.deep.equal(rows.map(([name]) => name))
  })

  for (const [name, category, publicKey, seed, expanded, output, oid, cose] of rows) {
    it(`${name} has the sizes and identifiers of the standards`, () => {
      const info = algorithmInfo(name)
      expect(info).to.include({
        name,
        category,
        publicKeyLength: publicKey,
        seedLength: seed,
        expandedLength: expanded,
        cose,
      })
      expect(info.kind === 'signature' ? info.signatureLength : info.ciphertextLength).to.equal(output)
      expect(toHex(encodeOid(info.oid))).to.equal(oid)
      expect(algorithmByOid(info.oid)).to.equal(info)
      if (cose !== undefined) expect(algorithmByCose(cose)).to.equal(info)
      expect([isSignatureAlgorithm(name), isKemAlgorithm(name)]).to.deep.equal([
        info.kind === 'signature',
        info.kind === 'kem',
      ])
    })
  }

  it('does not know anything else', () => {
    expect(algorithmByOid('1.3.101.112')).to.equal(undefined)
    expect(algorithmByCose(-8)).to.equal(undefined)
    for (const name of ['ml-dsa-65', 'RSA', '', 'constructor', undefined, 65, null]) {
      expect([isSignatureAlgorithm(name), isKemAlgorithm(name)]).to.deep.equal([false, false])
      expect(() => algorithmInfo(name as SignatureAlgorithm))
        .to.throw(UsageError)
        .with.property('code', 'pqc.algorithm.unknown')
    }
  })
})
