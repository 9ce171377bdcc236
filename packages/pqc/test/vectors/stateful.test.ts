import { expect } from 'chai'
import { HssVerifyingKey, LmsVerifyingKey, XmssVerifyingKey } from '@gridseal/pqc'
import { DecodeError } from '@gridseal/wire'
import { bytes, textTest, vectorTest } from './vector-file.ts'

interface Verifier {
  verify(message: Uint8Array, signature: Uint8Array): boolean
}

/** The signature is taken, and not when it, the message or its length differs. */
function takesOnly(key: Verifier, message: Uint8Array, signature: Uint8Array): void {
  expect(key.verify(message, signature)).to.equal(true)
  expect(key.verify(Uint8Array.of(...message, 0), signature)).to.equal(false)
  const step = Math.max(1, Math.floor(signature.length / 14))
  for (let at = 0; at < signature.length; at += step) {
    const wrong = signature.slice()
    wrong[at]! ^= 1
    expect(key.verify(message, wrong), `byte ${at} flipped`).to.equal(false)
    expect(key.verify(message, signature.subarray(0, at)), `cut to ${at}`).to.equal(false)
  }
  // Levels, index and types: what is not hashed has to be compared.
  for (let at = 0; at < 12; at++) {
    const wrong = signature.slice()
    wrong[at]! ^= 1
    expect(key.verify(message, wrong), `byte ${at} flipped`).to.equal(false)
  }
  expect(key.verify(message, Uint8Array.of(...signature, 0))).to.equal(false)
}

/** One implementation, over node:crypto's hashes: it does not differ by provider. */
describe('LMS, HSS and XMSS vectors', function () {
  this.timeout(60_000)

  for (const file of ['acvp/LMS-sigVer-1.0.json', 'acvp/LMS-sigVer-SP800-208.json']) {
    vectorTest({
      file,
      providers: ['native'],
      check(vector) {
        const key = LmsVerifyingKey.fromRaw(bytes(vector, 'publicKey'))
        expect(key.verify(bytes(vector, 'message'), bytes(vector, 'signature'))).to.equal(vector['testPassed'])
      },
    })
  }

  for (const set of ['H5_W8', 'H10_W4', 'H5_W8_H5_W8']) {
    textTest(
      `kat/LMS_SHA256_${set}.rsp`,
      (fields) => {
        const key = HssVerifyingKey.fromRaw(fields('pk'))
        expect(key.levels).to.equal(set.includes('W8_H5') ? 2 : 1)
        takesOnly(key, fields('msg'), fields('sm'))
      },
      ['native'],
    )
  }

  for (const set of ['SHA2_10_256', 'SHAKE256_10_256']) {
    textTest(
      `kat/XMSS-${set}.rsp`,
      (fields) => {
        const key = XmssVerifyingKey.fromRaw(fields('pk'))
        expect(key.set).to.include({ n: 32, h: 10, d: 1, approved: true })
        takesOnly(key, fields('msg'), fields('sm'))
      },
      ['native'],
    )
  }

  it('refuses public keys of unknown types, of two hashes, of no or nine levels, and of other lengths', () => {
    const lms = Uint8Array.of(0, 0, 0, 5, 0, 0, 0, 4, ...new Uint8Array(48))
    expect(LmsVerifyingKey.fromRaw(lms).signatureLength).to.equal(1292)
    const refused = (call: () => unknown, code: string): void => {
      expect(call).to.throw(DecodeError).with.property('code', code)
    }
    const at = (offset: number, value: number): Uint8Array => {
      const copy = lms.slice()
      copy[offset] = value
      return copy
    }
    refused(() => LmsVerifyingKey.fromRaw(at(3, 0)), 'pqc.algorithm.unknown')
    refused(() => LmsVerifyingKey.fromRaw(at(3, 25)), 'pqc.algorithm.unknown')
    refused(() => LmsVerifyingKey.fromRaw(at(7, 17)), 'pqc.algorithm.unknown')
    refused(() => LmsVerifyingKey.fromRaw(at(7, 5)), 'pqc.key.mismatch')
    refused(() => LmsVerifyingKey.fromRaw(at(7, 12)), 'pqc.key.mismatch')
    refused(() => LmsVerifyingKey.fromRaw(lms.subarray(0, -1)), 'decode.truncated')
    refused(() => LmsVerifyingKey.fromRaw(Uint8Array.of(...lms, 0)), 'decode.trailing')
    for (const levels of [0, 9]) {
      refused(() => HssVerifyingKey.fromRaw(Uint8Array.of(0, 0, 0, levels, ...lms)), 'pqc.hss.levels')
    }
    const xmss = Uint8Array.of(0, 0, 0, 1, ...new Uint8Array(64))
    expect(XmssVerifyingKey.fromRaw(xmss).signatureLength).to.equal(2500)
    refused(() => XmssVerifyingKey.fromRaw(Uint8Array.of(0, 0, 0, 22, ...new Uint8Array(64))), 'pqc.algorithm.unknown')
    refused(() => XmssVerifyingKey.fromRaw(xmss.subarray(0, -1)), 'decode.truncated')
    refused(() => XmssVerifyingKey.fromRawMultiTree(Uint8Array.of(0, 0, 0, 57)), 'pqc.algorithm.unknown')
  })

  it('knows the signature lengths of RFC 8391 table 2 and 3', () => {
    const length = (oid: number, n: number, multi: boolean): number => {
      const raw = Uint8Array.of(0, 0, 0, oid, ...new Uint8Array(2 * n))
      return (multi ? XmssVerifyingKey.fromRawMultiTree(raw) : XmssVerifyingKey.fromRaw(raw)).signatureLength
    }
    expect([1, 2, 3].map((oid) => length(oid, 32, false))).to.deep.equal([2500, 2692, 2820])
    expect([4, 5, 6].map((oid) => length(oid, 64, false))).to.deep.equal([9092, 9476, 9732])
    expect([1, 2, 3, 4, 5, 6, 7, 8].map((oid) => length(oid, 32, true))).to.deep.equal([
      4963, 9251, 5605, 9893, 18469, 8392, 14824, 27688,
    ])
  })
})
