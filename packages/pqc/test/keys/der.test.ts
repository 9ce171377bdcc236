import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  ALGORITHMS,
  DecapsulationKey,
  SigningKey,
  VerifyingKey,
  decodePem,
  decodePkcs8,
  decodeSpki,
  encodePkcs8,
  encodePkcs8Both,
  encodeSpki,
} from '@gridseal/pqc'
import type { AlgorithmName } from '@gridseal/pqc'
import { BER, BerWriter, DecodeError, contextConstructed, contextTag, fromHex, toHex } from '@gridseal/wire'
import { mutations } from '../../../../test/support/mutate.ts'
import { ROOT } from '../../../../test/support/requirements.ts'

/** The AlgorithmIdentifier of 2.16.840.1.101.3.4.XX.YY. */
const algorithmOf = (tail: string): string => `300b06096086480165030 4${tail}`.replaceAll(' ', '')

/** Prefixes before the key octets, and total lengths (RFC 9881, RFC 9935). */
const LAYOUTS: readonly {
  name: AlgorithmName
  pkcs8: string
  pkcs8Length: number
  bothLength: number
  spki: string
  spkiLength: number
}[] = [
  {
    name: 'ML-DSA-44',
    pkcs8: '3034020100300b060960864801650304031104228020',
    pkcs8Length: 54,
    bothLength: 2626,
    spki: '30820532' + algorithmOf('0311') + '0382052100',
    spkiLength: 1334,
  },
  {
    name: 'ML-DSA-65',
    pkcs8: '3034020100300b060960864801650304031204228020',
    pkcs8Length: 54,
    bothLength: 4098,
    spki: '308207b2' + algorithmOf('0312') + '038207a100',
    spkiLength: 1974,
  },
  {
    name: 'ML-DSA-87',
    pkcs8: '3034020100300b060960864801650304031304228020',
    pkcs8Length: 54,
    bothLength: 4962,
    spki: '30820a32' + algorithmOf('0313') + '03820a2100',
    spkiLength: 2614,
  },
  {
    name: 'ML-KEM-768',
    pkcs8: '3054020100300b060960864801650304040204428040',
    pkcs8Length: 86,
    bothLength: 2498,
    spki: '308204b2' + algorithmOf('0402') + '038204a100',
    spkiLength: 1206,
  },
  {
    name: 'ML-KEM-1024',
    pkcs8: '3054020100300b060960864801650304040304428040',
    pkcs8Length: 86,
    bothLength: 3266,
    spki: '30820632' + algorithmOf('0403') + '0382062100',
    spkiLength: 1590,
  },
]

/** A file as Node.js 24 wrote it. */
function node24(file: string): string {
  return readFileSync(join(ROOT, 'fixtures/pqc/node24', file), 'utf8')
}

function refuses(call: () => unknown, code: string, field?: string): void {
  const expected = field === undefined ? { code } : { code, field }
  expect(call).to.throw(DecodeError).that.includes(expected)
}

describe('PKCS#8', () => {
  for (const { name, pkcs8, pkcs8Length, bothLength } of LAYOUTS) {
    const info = ALGORITHMS.find((row) => row.name === name)!
    const seed = Uint8Array.from({ length: info.seedLength }, (_, i) => i)

    it(`${name}: the seed form, to the byte`, () => {
      const der = encodePkcs8(name, seed)
      expect(toHex(der)).to.equal(pkcs8 + toHex(seed))
      expect(der.length).to.equal(pkcs8Length)
      const key = decodePkcs8(der)
      expect([key.algorithm.name, toHex(key.seed!), key.expanded, key.publicKey]).to.deep.equal([
        name,
        toHex(seed),
        undefined,
        undefined,
      ])
    })

    it(`${name}: the form with both parts has the length that OpenSSL writes`, () => {
      const der = encodePkcs8Both(name, seed, new Uint8Array(info.expandedLength).fill(5))
      expect(der.length).to.equal(bothLength)
      const key = decodePkcs8(der)
      expect([toHex(key.seed!), key.expanded!.length, key.expanded![9]]).to.deep.equal([
        toHex(seed),
        info.expandedLength,
        5,
      ])
    })

    it(`${name}: takes what this Node.js exports, and Node.js takes ours`, () => {
      const { privateKey, publicKey } = generateKeyPairSync(name.toLowerCase() as 'ml-dsa-44')
      const theirs = decodePkcs8(privateKey.export({ format: 'der', type: 'pkcs8' }))
      expect(theirs.algorithm.name).to.equal(name)
      const raw = publicKey.export({ format: 'raw-public' })
      const ours = createPrivateKey({ key: Buffer.from(encodePkcs8(name, theirs.seed!)), format: 'der', type: 'pkcs8' })
      expect(toHex(createPublicKey(ours).export({ format: 'raw-public' }))).to.equal(toHex(raw))
      expect(toHex(encodeSpki(name, raw))).to.equal(toHex(publicKey.export({ format: 'der', type: 'spki' })))
    })

    it(`${name}: writes what this Node.js exports, to the byte`, () => {
      const { privateKey } = generateKeyPairSync(name.toLowerCase() as 'ml-dsa-44')
      const theirs = privateKey.export({ format: 'der', type: 'pkcs8' })
      // Node.js 24 exports both parts, Node.js 26 the seed.
      const form = decodePkcs8(theirs).expanded === undefined ? 'seed' : 'both'
      const key = info.kind === 'kem' ? DecapsulationKey.fromPkcs8(theirs) : SigningKey.fromPkcs8(theirs)
      expect(toHex(key.toPkcs8(form))).to.equal(toHex(theirs))
    })
  }

  for (const set of [44, 65, 87]) {
    it(`ML-DSA-${set}: takes the file that Node.js 24 wrote (both parts), and writes it back as a seed or as it was`, () => {
      for (const provider of ['native', 'noble'] as const) {
        const key = SigningKey.fromPem(node24(`ml-dsa-${set}.key.pem`), { provider })
        expect(key.publicKey.equals(VerifyingKey.fromPem(node24(`ml-dsa-${set}.pub.pem`)))).to.equal(true)
        expect(key.toPkcs8().length).to.equal(54)
        expect(key.toPem('both')).to.equal(node24(`ml-dsa-${set}.key.pem`))
        expect(SigningKey.fromPkcs8(key.toPkcs8()).publicKey.equals(key.publicKey)).to.equal(true)
      }
    })
  }

  describe('is refused', () => {
    // Of Node.js 24, since later versions export the seed only.
    const both = decodePem(node24('ml-dsa-44.key.pem'), 'PRIVATE KEY')
    const SEED = Uint8Array.from(decodePkcs8(both).seed!)
    const expanded = Uint8Array.from(decodePkcs8(both).expanded!)
    const good = encodePkcs8('ML-DSA-44', SEED)
    const build = (body: (w: BerWriter) => BerWriter): Uint8Array =>
      new BerWriter().constructed(BER.SEQUENCE, body).finish()
    const algorithm = (w: BerWriter): BerWriter => w.constructed(BER.SEQUENCE, (a) => a.oid('2.16.840.1.101.3.4.3.17'))
    const withInner = (inner: Uint8Array): Uint8Array => build((w) => algorithm(w.integer(0)).octetString(inner))

    for (const provider of ['native', 'noble'] as const) {
      it(`when seed and expanded key are not of one key (${provider})`, () => {
        expect(SigningKey.fromPkcs8(both, { provider }).algorithm).to.equal('ML-DSA-44')
        for (const at of [0, 40, 100, 500, 2559]) {
          const wrong = expanded.slice()
          wrong[at]! ^= 1
          refuses(
            () => SigningKey.fromPkcs8(encodePkcs8Both('ML-DSA-44', SEED, wrong), { provider }),
            'pqc.key.mismatch',
            'expandedKey',
          )
        }
        refuses(
          () => SigningKey.fromPkcs8(encodePkcs8Both('ML-DSA-44', SEED.with(0, SEED[0]! ^ 1), expanded), { provider }),
          'pqc.key.mismatch',
        )
      })
    }

    it("when the public key of version 2 is not the private key's", () => {
      const version2 = (publicKey: Uint8Array): Uint8Array =>
        build((w) =>
          algorithm(w.integer(1))
            .octetString(new BerWriter().octetString(SEED, contextTag(0)).finish())
            .constructed(contextConstructed(0), () => undefined)
            .bitString(publicKey, 0, contextTag(1)),
        )
      const { raw } = SigningKey.fromSeed('ML-DSA-44', SEED).publicKey
      expect(toHex(SigningKey.fromPkcs8(version2(raw)).toSeed())).to.equal(toHex(SEED))
      refuses(() => SigningKey.fromPkcs8(version2(raw.slice(1))), 'pqc.key.length', 'publicKey')
      refuses(() => SigningKey.fromPkcs8(version2(new Uint8Array(1312))), 'pqc.key.mismatch', 'publicKey')
    })

    it('with a bare seed, an OCTET STRING of the seed, or an inner choice of any other kind', () => {
      refuses(() => decodePkcs8(withInner(SEED)), 'pqc.pkcs8.form')
      refuses(() => decodePkcs8(withInner(new BerWriter().octetString(SEED).finish())), 'pqc.key.length', 'expandedKey')
      refuses(() => decodePkcs8(withInner(new BerWriter().octetString(SEED, contextTag(1)).finish())), 'pqc.pkcs8.form')
      refuses(() => decodePkcs8(withInner(new Uint8Array(0))), 'pqc.pkcs8.form')
      refuses(
        () => decodePkcs8(withInner(new BerWriter().octetString(SEED, contextTag(0)).null().finish())),
        'decode.trailing',
      )
    })

    it('with NULL parameters, an unknown algorithm, a version that does not exist', () => {
      const inner = new BerWriter().octetString(SEED, contextTag(0)).finish()
      const nullParameters = build((w) =>
        w
          .integer(0)
          .constructed(BER.SEQUENCE, (a) => a.oid('2.16.840.1.101.3.4.3.17').null())
          .octetString(inner),
      )
      refuses(() => decodePkcs8(nullParameters), 'decode.trailing', 'parameters')
      // Ed448 (RFC 8410).
      const unknown = fromHex(
        '302e020100300506032b657104220420d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842',
      )
      expect(() => decodePkcs8(unknown))
        .to.throw(DecodeError, 'unknown algorithm 1.3.101.113')
        .that.includes({ code: 'pqc.algorithm.unknown', offset: 7 })
      refuses(() => decodePkcs8(build((w) => algorithm(w.integer(2)).octetString(inner))), 'pqc.pkcs8.version')
      refuses(
        () =>
          decodePkcs8(
            build((w) => algorithm(w.integer(0)).octetString(inner).bitString(new Uint8Array(1312), 0, contextTag(1))),
          ),
        'decode.trailing',
      )
    })

    it('with a seed of another length or of another algorithm', () => {
      for (const length of [0, 31, 33, 64]) {
        refuses(
          () => decodePkcs8(withInner(new BerWriter().octetString(new Uint8Array(length), contextTag(0)).finish())),
          'pqc.key.length',
          'seed',
        )
      }
      const otherAlgorithm = good.slice()
      otherAlgorithm[17] = 0x12
      expect(toHex(otherAlgorithm.subarray(8, 18))).to.equal('09608648016503040312')
      expect(decodePkcs8(otherAlgorithm).algorithm.name, 'a seed fits every set: only the OID says which').to.equal(
        'ML-DSA-65',
      )
    })

    it('with an ECPrivateKey of another version, or of another curve than its algorithm (RFC 5915 3)', () => {
      const build = (version: number, curve: string): Uint8Array =>
        new BerWriter()
          .constructed(BER.SEQUENCE, (w) => {
            w.integer(0)
            w.constructed(BER.SEQUENCE, (a) => a.oid('1.2.840.10045.2.1').oid('1.2.840.10045.3.1.7'))
            w.wrapping(BER.OCTET_STRING, (octets) =>
              octets.constructed(BER.SEQUENCE, (ec) => {
                ec.integer(version).octetString(new Uint8Array(32).fill(1))
                ec.constructed(contextConstructed(0), (parameters) => parameters.oid(curve))
              }),
            )
          })
          .finish()
      expect(SigningKey.fromPkcs8(build(1, '1.2.840.10045.3.1.7')).algorithm).to.equal('ECDSA-P256')
      for (const version of [0, 2]) {
        refuses(() => decodePkcs8(build(version, '1.2.840.10045.3.1.7')), 'pqc.pkcs8.version', 'version')
      }
      refuses(() => decodePkcs8(build(1, '1.3.132.0.34')), 'pqc.key.mismatch', 'parameters')
    })

    it('with two public keys that differ, or one with unused bits', () => {
      const key = SigningKey.generate('ECDSA-P256')
      const other = SigningKey.generate('ECDSA-P256').publicKey.raw
      const build = (inner: Uint8Array, outer: Uint8Array, unused = [0, 0]): Uint8Array =>
        new BerWriter()
          .constructed(BER.SEQUENCE, (w) => {
            w.integer(1)
            w.constructed(BER.SEQUENCE, (a) => a.oid('1.2.840.10045.2.1').oid('1.2.840.10045.3.1.7'))
            w.wrapping(BER.OCTET_STRING, (octets) =>
              octets.constructed(BER.SEQUENCE, (ec) => {
                ec.integer(1).octetString(key.toSeed())
                ec.constructed(contextConstructed(1), (wrapper) => wrapper.bitString(inner, unused[0]))
              }),
            )
            w.bitString(outer, unused[1], contextTag(1))
          })
          .finish()
      const { raw } = key.publicKey
      expect(SigningKey.fromPkcs8(build(raw, raw)).publicKey.equals(key.publicKey)).to.equal(true)
      refuses(() => SigningKey.fromPkcs8(build(raw, other)), 'pqc.key.mismatch', 'publicKey')
      refuses(() => SigningKey.fromPkcs8(build(other, raw)), 'pqc.key.mismatch', 'publicKey')
      const even = raw.slice()
      even[64]! &= 0xfe
      refuses(() => decodePkcs8(build(even, even, [1, 0])), 'pqc.key.length', 'publicKey')
      refuses(() => decodePkcs8(build(even, even, [0, 1])), 'pqc.key.length', 'publicKey')
    })

    it('with trailing bytes, longer lengths than needed, or in BER', () => {
      refuses(() => decodePkcs8(Uint8Array.of(...good, 0)), 'decode.trailing', 'OneAsymmetricKey')
      refuses(() => decodePkcs8(Uint8Array.of(0x30, 0x81, ...good.slice(1))), 'decode.ber.length')
      refuses(() => decodePkcs8(Uint8Array.of(0x30, 0x80, ...good.slice(2), 0, 0)), 'decode.ber.indefinite')
    })
  })
})

describe('SubjectPublicKeyInfo', () => {
  for (const { name, spki, spkiLength } of LAYOUTS) {
    const info = ALGORITHMS.find((row) => row.name === name)!
    const publicKey = Uint8Array.from({ length: info.publicKeyLength }, (_, i) => i & 0xff)

    it(`${name}: to the byte`, () => {
      const der = encodeSpki(name, publicKey)
      expect(toHex(der)).to.equal(spki + toHex(publicKey))
      expect(der.length).to.equal(spkiLength)
      const key = decodeSpki(der)
      expect([key.algorithm.name, toHex(key.publicKey)]).to.deep.equal([name, toHex(publicKey)])
    })
  }

  it('is refused with NULL parameters, a key of another size, unused bits, trailing bytes', () => {
    const build = (key: Uint8Array, unused = 0, parameters = false): Uint8Array =>
      new BerWriter()
        .constructed(BER.SEQUENCE, (w) =>
          w
            .constructed(BER.SEQUENCE, (a) =>
              parameters ? a.oid('2.16.840.1.101.3.4.3.17').null() : a.oid('2.16.840.1.101.3.4.3.17'),
            )
            .bitString(key, unused),
        )
        .finish()
    const key = new Uint8Array(1312)
    expect(decodeSpki(build(key)).publicKey).to.have.length(1312)
    refuses(() => decodeSpki(build(key, 0, true)), 'decode.trailing', 'parameters')
    refuses(() => decodeSpki(build(new Uint8Array(1311))), 'pqc.key.length', 'subjectPublicKey')
    refuses(() => decodeSpki(build(new Uint8Array(1952))), 'pqc.key.length', 'subjectPublicKey')
    refuses(() => decodeSpki(build(key, 1)), 'pqc.key.length', 'subjectPublicKey')
    refuses(() => decodeSpki(Uint8Array.of(...build(key), 0)), 'decode.trailing')
  })
})

describe('key DER under mutation', () => {
  /** Only the part that is structure: the key octets themselves may be anything. */
  const structure = function* (der: Uint8Array, length: number): Generator<Uint8Array> {
    for (const mutant of mutations(der.slice(0, length))) {
      yield mutant
      yield Uint8Array.of(...mutant, ...der.slice(length))
    }
  }

  const GOLDEN: readonly [name: string, der: Uint8Array, structured: number, decode: (der: Uint8Array) => unknown][] = [
    ['PKCS#8 seed', encodePkcs8('ML-DSA-65', new Uint8Array(32).fill(0x5a)), 54, decodePkcs8],
    ['PKCS#8 both', encodePkcs8Both('ML-KEM-768', new Uint8Array(64), new Uint8Array(2400)), 100, decodePkcs8],
    ['SubjectPublicKeyInfo', encodeSpki('ML-DSA-44', new Uint8Array(1312)), 30, decodeSpki],
  ]
  for (const [name, der, structured, decode] of GOLDEN) {
    it(`${name}: each mutation is read or refused with DecodeError inside the input`, () => {
      const counts = { read: 0, refused: 0 }
      for (const mutant of structure(der, structured)) {
        try {
          decode(mutant)
          counts.read++
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error
          expect(error.offset).to.be.within(0, mutant.length)
          counts.refused++
        }
      }
      expect(counts.refused).to.be.greaterThan(300)
      expect(counts.read, 'changes of key octets only').to.be.greaterThan(0)
    })
  }

  it('no mutation of a private key makes a key that is not the one it names', () => {
    const key = SigningKey.fromSeed('ML-DSA-44', new Uint8Array(32).fill(9))
    for (const mutant of structure(key.toPkcs8(), 24)) {
      try {
        const read = decodePkcs8(mutant)
        expect(toHex(encodePkcs8(read.algorithm.name, read.seed!))).to.equal(toHex(mutant))
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error
      }
    }
  })
})
