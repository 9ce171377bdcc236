import { expect } from 'chai'
import fc from 'fast-check'
import { AeadKey } from '@gridseal/pqc'
import { AuthError, fromHex, toHex } from '@gridseal/wire'

const NONE = new Uint8Array(0)
const key = (octet = 0): AeadKey => new AeadKey('AES-256-GCM', new Uint8Array(32).fill(octet))

function expectRefused(call: () => unknown): void {
  expect(call).to.throw(AuthError).with.property('code', 'pqc.aead.open')
}

describe('AES-256-GCM', () => {
  it('gives test cases 13 to 16 of the GCM specification', () => {
    expect(toHex(key().seal(new Uint8Array(12), NONE, NONE))).to.equal('530f8afbc74536b9a963b4f1c4cb738b')
    expect(toHex(key().seal(new Uint8Array(12), new Uint8Array(16), NONE))).to.equal(
      'cea7403d4d606b6e074ec5d3baf39d18' + 'd0d1c8a799996bf0265b98b5d48ab919',
    )
    const k = new AeadKey('AES-256-GCM', fromHex('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308'))
    const plaintext = fromHex(
      'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72' +
        '1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
    )
    const sealed = k.seal(
      fromHex('cafebabefacedbaddecaf888'),
      plaintext,
      fromHex('feedfacedeadbeeffeedfacedeadbeefabaddad2'),
    )
    expect(toHex(sealed)).to.equal(
      '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa' +
        '8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662' +
        '76fc6ece0f4e1768cddf8853bb2d551b',
    )
  })

  it('opens what it sealed, and nothing else', () => {
    const part = fc.uint8Array({ maxLength: 80 })
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 12, maxLength: 12 }),
        part,
        part,
        fc.nat(),
        (nonce, plaintext, aad, at) => {
          const sealed = key(7).seal(nonce, plaintext, aad)
          expect(sealed.length).to.equal(plaintext.length + 16)
          expect(toHex(key(7).open(nonce, sealed, aad))).to.equal(toHex(plaintext))
          const damaged = sealed.slice()
          damaged[at % sealed.length]! ^= 0x10
          expectRefused(() => key(7).open(nonce, damaged, aad))
          expectRefused(() => key(7).open(nonce, sealed, Uint8Array.of(...aad, 0)))
          expectRefused(() => key(8).open(nonce, sealed, aad))
          const other = nonce.slice()
          other[11]! ^= 1
          expectRefused(() => key(7).open(other, sealed, aad))
        },
      ),
      { numRuns: 50 },
    )
  })

  it('refuses every truncation, down to less than a tag', () => {
    const sealed = key().seal(new Uint8Array(12), new Uint8Array(5), NONE)
    for (let length = 0; length < sealed.length; length++) {
      expectRefused(() => key().open(new Uint8Array(12), sealed.subarray(0, length), NONE))
    }
    expectRefused(() => key().open(new Uint8Array(12), Uint8Array.of(...sealed, 0), NONE))
  })

  it('copies the key', () => {
    for (const provider of ['native', 'noble'] as const) {
      const bytes = new Uint8Array(32)
      const k = new AeadKey('AES-256-GCM', bytes, { provider })
      bytes.fill(9)
      expect(toHex(k.seal(new Uint8Array(12), NONE, NONE))).to.equal('530f8afbc74536b9a963b4f1c4cb738b')
    }
  })

  it('gives plain byte arrays of their own', () => {
    const sealed = key().seal(new Uint8Array(12), Uint8Array.of(1, 2), NONE)
    const opened = key().open(new Uint8Array(12), sealed, NONE)
    for (const bytes of [sealed, opened]) expect(Object.getPrototypeOf(bytes)).to.equal(Uint8Array.prototype)
    sealed.fill(0)
    expect([...opened]).to.deep.equal([1, 2])
  })
})
