import { expect } from 'chai'
import {
  ALGORITHMS,
  algorithmByCose,
  algorithmByOid,
  algorithmInfo,
  findAlgorithm,
  isKemAlgorithm,
  isSignatureAlgorithm,
} from '@gridseal/pqc'
import type { SignatureAlgorithm } from '@gridseal/pqc'
import { UsageError, encodeOid, toHex } from '@gridseal/wire'

describe('algorithm tables', () => {
  // FIPS 203 table 3, FIPS 204 tables 1 and 2, FIPS 205 table 2; RFC 9881, 9909, 9935 and 9964, RFC 5480, RFC 8410;
  // drafts of composite signatures and hybrid KEMs. Category, public key, private key, expanded key, signature or
  // ciphertext, object identifier, COSE.
  const rows = [
    ['ML-DSA-44', 2, 1312, 32, 2560, 2420, '608648016503040311', -48],
    ['ML-DSA-65', 3, 1952, 32, 4032, 3309, '608648016503040312', -49],
    ['ML-DSA-87', 5, 2592, 32, 4896, 4627, '608648016503040313', -50],
    ['SLH-DSA-SHA2-128s', 1, 32, 64, 0, 7856, '608648016503040314', -70020],
    ['SLH-DSA-SHA2-128f', 1, 32, 64, 0, 17088, '608648016503040315', -70021],
    ['SLH-DSA-SHA2-192s', 3, 48, 96, 0, 16224, '608648016503040316', -70022],
    ['SLH-DSA-SHA2-192f', 3, 48, 96, 0, 35664, '608648016503040317', -70023],
    ['SLH-DSA-SHA2-256s', 5, 64, 128, 0, 29792, '608648016503040318', -70024],
    ['SLH-DSA-SHA2-256f', 5, 64, 128, 0, 49856, '608648016503040319', -70025],
    ['SLH-DSA-SHAKE-128s', 1, 32, 64, 0, 7856, '60864801650304031a', -70026],
    ['SLH-DSA-SHAKE-128f', 1, 32, 64, 0, 17088, '60864801650304031b', -70027],
    ['SLH-DSA-SHAKE-192s', 3, 48, 96, 0, 16224, '60864801650304031c', -70028],
    ['SLH-DSA-SHAKE-192f', 3, 48, 96, 0, 35664, '60864801650304031d', -70029],
    ['SLH-DSA-SHAKE-256s', 5, 64, 128, 0, 29792, '60864801650304031e', -70030],
    ['SLH-DSA-SHAKE-256f', 5, 64, 128, 0, 49856, '60864801650304031f', -70031],
    ['Falcon-512', 1, 897, 2178, 0, 666, '2bce0f0306', -70201],
    ['Falcon-1024', 5, 1793, 4098, 0, 1280, '2bce0f0309', -70202],
    ['Ed25519', 0, 32, 32, 0, 64, '2b6570', -19],
    ['ECDSA-P256', 0, 65, 32, 0, 64, '2a8648ce3d030107', -9],
    ['ECDSA-P384', 0, 97, 48, 0, 96, '2b81040022', -51],
    ['MLDSA44-Ed25519-SHA512', 2, 1344, 64, 0, 2484, '2b06010505070627', -70139],
    ['MLDSA44-ECDSA-P256-SHA256', 2, 1377, 64, 0, 2492, '2b06010505070628', -70140],
    ['MLDSA65-Ed25519-SHA512', 3, 1984, 64, 0, 3373, '2b06010505070630', -70148],
    ['MLDSA65-ECDSA-P256-SHA512', 3, 2017, 64, 0, 3381, '2b0601050507062d', -70145],
    ['MLDSA65-ECDSA-P384-SHA512', 3, 2049, 80, 0, 3413, '2b0601050507062e', -70146],
    ['MLDSA87-ECDSA-P384-SHA512', 5, 2689, 80, 0, 4731, '2b06010505070631', -70149],
    ['ML-KEM-512', 1, 800, 64, 1632, 768, '608648016503040401', undefined],
    ['ML-KEM-768', 3, 1184, 64, 2400, 1088, '608648016503040402', undefined],
    ['ML-KEM-1024', 5, 1568, 64, 3168, 1568, '608648016503040403', undefined],
    ['X-Wing', 3, 1216, 32, 0, 1120, '2b060104018' + '3e62d81c87a', undefined],
    ['MLKEM768-P256', 3, 1249, 32, 0, 1153, undefined, undefined],
    ['MLKEM1024-P384', 5, 1665, 32, 0, 1665, undefined, undefined],
  ] as const

  it('has these algorithms and no others', () => {
    expect(ALGORITHMS.map((info) => info.name)).to.deep.equal(rows.map(([name]) => name))
  })

  for (const [name, category, publicKeyLength, seedLength, expandedLength, output, oid, cose] of rows) {
    it(`${name} has the sizes and identifiers of the standards`, () => {
      const info = algorithmInfo(name)
      expect(info).to.include({ name, category, publicKeyLength, seedLength, expandedLength, cose })
      expect(info.kind === 'signature' ? info.signatureLength : info.ciphertextLength).to.equal(output)
      if (info.oid !== undefined) {
        expect(toHex(encodeOid(info.oid))).to.equal(oid)
        expect(algorithmByOid(info.oid)).to.equal(info)
      } else expect(oid).to.equal(undefined)
      if (cose !== undefined) expect(algorithmByCose(cose)).to.equal(info)
      expect([isSignatureAlgorithm(name), isKemAlgorithm(name)]).to.deep.equal([
        info.kind === 'signature',
        info.kind === 'kem',
      ])
    })
  }

  it('labels Falcon experimental and not approved', () => {
    expect(algorithmInfo('Falcon-512')).to.include({ status: 'experimental', approved: false })
    expect(algorithmInfo('ML-DSA-65')).to.include({ status: 'standard', approved: true })
    expect(algorithmInfo('MLDSA65-Ed25519-SHA512')).to.include({ status: 'draft' })
  })

  it('maps the names of round 3 and says that they are not the same', () => {
    for (const [old, name] of [
      ['Kyber768', 'ML-KEM-768'],
      ['kyber-1024', 'ML-KEM-1024'],
      ['Dilithium2', 'ML-DSA-44'],
      ['DILITHIUM5', 'ML-DSA-87'],
      ['SPHINCS+-SHAKE256-192f', 'SLH-DSA-SHAKE-192f'],
    ] as const) {
      const found = findAlgorithm(old)
      expect(found).to.include({ name, alias: 'round3' })
      expect(found.note).to.include(`is not ${name}`)
    }
  })

  it('finds an algorithm by the name that others give it', () => {
    for (const [text, name] of [
      ['ml-dsa-65', 'ML-DSA-65'],
      ['MLDSA65', 'ML-DSA-65'],
      ['ES256', 'ECDSA-P256'],
      ['ed25519', 'Ed25519'],
      ['xwing', 'X-Wing'],
      ['slh-dsa-sha2-128s', 'SLH-DSA-SHA2-128s'],
    ] as const) {
      expect(findAlgorithm(text)).to.deep.equal({ name, alias: 'same', note: undefined })
    }
    expect(() => findAlgorithm('RSA'))
      .to.throw(UsageError)
      .with.property('code', 'pqc.algorithm.unknown')
  })

  it('does not know anything else', () => {
    expect(algorithmByOid('1.3.101.113')).to.equal(undefined)
    expect(algorithmByCose(-8)).to.equal(undefined)
    for (const name of ['ml-dsa-65', 'RSA', '', 'constructor', undefined, 65, null]) {
      expect([isSignatureAlgorithm(name), isKemAlgorithm(name)]).to.deep.equal([false, false])
      expect(() => algorithmInfo(name as SignatureAlgorithm))
        .to.throw(UsageError)
        .with.property('code', 'pqc.algorithm.unknown')
    }
  })
})
