import { expect } from 'chai'
import fc from 'fast-check'
import {
  MacKey,
  equalBytes,
  hkdfExpandSha256,
  hkdfSha256,
  hmacSha256,
  publicSha512,
  randomBytes,
  sha256,
  sha384,
  sha3_256,
  sha3_512,
  sha512,
  shake128,
  shake256,
} from '@gridseal/pqc'
import type { Hash } from '@gridseal/pqc'
import { UsageError, fromHex, toHex } from '@gridseal/wire'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const ABC = text('abc')

/** FIPS 180-4 and FIPS 202 example: the three letters abc. */
const EXAMPLES: readonly [name: string, hash: Hash, hex: string][] = [
  ['SHA-256', sha256, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'SHA-384',
    sha384,
    'cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7',
  ],
  [
    'SHA-512',
    sha512,
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a' +
      '2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
  ],
  ['SHA3-256', sha3_256, '3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532'],
  [
    'SHA3-512',
    sha3_512,
    'b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e' +
      '10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0',
  ],
  [
    'SHAKE128',
    (...parts) => shake128(32, ...parts),
    '5881092dd818bf5cf8a3ddb793fbcba74097d5c526a6d35f97b83351940f2cc8',
  ],
  [
    'SHAKE256',
    (...parts) => shake256(32, ...parts),
    '483366601360a8771c6863080cc4114d8db44530f8f1e1ee4f94ea37e78b5739',
  ],
]

describe('hashes', () => {
  it('SHA-512 of what is public is the same by way of a string, whatever octets are in it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
        expect(publicSha512(data)).to.deep.equal(sha512(data))
      }),
    )
    expect(() => publicSha512('abc' as never)).to.throw(UsageError)
  })

  for (const [name, hash, hex] of EXAMPLES) {
    it(`${name} of "abc"`, () => expect(toHex(hash(ABC))).to.equal(hex))

    it(`${name} hashes the concatenation of its parts`, () => {
      fc.assert(
        fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 5 }), (parts) => {
          expect(toHex(hash(...parts))).to.equal(toHex(hash(Uint8Array.from(parts.flatMap((part) => [...part])))))
        }),
        { numRuns: 30 },
      )
    })
  }

  it('SHAKE gives any length, and a longer output begins with the shorter', () => {
    expect(shake256(0, ABC)).to.have.length(0)
    expect(toHex(shake256(200, ABC)).startsWith(toHex(shake256(32, ABC)))).to.equal(true)
    expect(shake128(5000, ABC)).to.have.length(5000)
  })
})

describe('HMAC and HKDF', () => {
  it('HMAC-SHA-256: RFC 4231 test case 2', () => {
    const mac = hmacSha256(text('Jefe'), text('what do ya want '), text('for nothing?'))
    expect(toHex(mac)).to.equal('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843')
    const key = new MacKey(text('Jefe'))
    expect(toHex(key.hmacSha256(text('what do ya want for nothing?')))).to.equal(toHex(mac))
    expect(toHex(key.hmacSha256(text('what do ya want for nothing?')))).to.equal(toHex(mac))
  })

  it('HKDF-SHA-256: RFC 5869 A.1', () => {
    const info = fromHex('f0f1f2f3f4f5f6f7f8f9')
    const okm = hkdfSha256(new Uint8Array(22).fill(0x0b), fromHex('000102030405060708090a0b0c'), info, 42)
    expect(toHex(okm)).to.equal('3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865')
    const prk = fromHex('077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5')
    expect(toHex(hkdfExpandSha256(prk, info, 42))).to.equal(toHex(okm))
  })

  it('HKDF takes info of any length, where node:crypto stops at 1024 bytes', () => {
    expect(hkdfSha256(new Uint8Array(32), new Uint8Array(0), new Uint8Array(5000), 32)).to.have.length(32)
    expect(hkdfSha256(new Uint8Array(32), new Uint8Array(0), new Uint8Array(0), 0)).to.have.length(0)
  })
})

describe('bytes', () => {
  it('are compared by content and length', () => {
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).to.equal(true)
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).to.equal(false)
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 0))).to.equal(false)
    expect(equalBytes(new Uint8Array(0), new Uint8Array(0))).to.equal(true)
  })

  it('are random: as many as asked, never twice the same', () => {
    expect(randomBytes(0)).to.have.length(0)
    expect(toHex(randomBytes(16))).not.to.equal(toHex(randomBytes(16)))
    const mean = randomBytes(10_000).reduce((sum, octet) => sum + octet, 0) / 10_000
    // Eight standard deviations around 127.5.
    expect(mean).to.be.within(121.5, 133.5)
  })
})
