import { expect } from 'chai'
import { SigningKey, VerifyingKey, sha256 } from '@gridseal/pqc'
import { Writer, fromHex, toHex } from '@gridseal/wire'
import { signDeterministic } from '#src/providers/noble/signatures.ts'
import { SIGNATURE_ANSWERS } from '../providers/known-answers.ts'

const PAYLOAD = new TextEncoder().encode('hello post quantum signatures')
const ALG = { 'ML-DSA-44': '382f', 'ML-DSA-65': '3830', 'ML-DSA-87': '3831' } as const

/** A CBOR byte string of at most 65535 bytes. */
function bstr(bytes: Uint8Array): Uint8Array {
  const head = new Writer(bytes.length + 3)
  if (bytes.length < 24) head.u8(0x40 | bytes.length)
  else if (bytes.length < 256) head.u8(0x58).u8(bytes.length)
  else head.u8(0x59).u16be(bytes.length)
  return head.bytes(bytes).finish()
}

describe('the ML-DSA examples of RFC 9964', () => {
  for (const answer of SIGNATURE_ANSWERS) {
    it(`${answer.algorithm}: key, kid, signature and COSE_Sign1, to the byte`, () => {
      const seed = new Uint8Array(32)
      const key = SigningKey.fromSeed(answer.algorithm, seed)
      const protectedHeader = fromHex(`a201${ALG[answer.algorithm]}045820${toHex(key.publicKey.fingerprint)}`)
      // Sig_structure = ["Signature1", protected, external_aad = h'', payload]
      const toBeSigned = Buffer.concat([
        fromHex('84 6a 5369676e617475726531'),
        bstr(protectedHeader),
        fromHex('40'),
        bstr(PAYLOAD),
      ])
      const signature = signDeterministic(answer.algorithm, seed, toBeSigned)
      expect(toHex(sha256(signature))).to.equal(answer.coseSignatureHash)
      for (const provider of ['native', 'noble'] as const) {
        const verifier = VerifyingKey.fromRaw(answer.algorithm, key.publicKey.raw, { provider })
        expect(verifier.verify(toBeSigned, signature)).to.equal(true)
      }
      // COSE_Sign1 = 18([protected, {}, payload, signature])
      const sign1 = Buffer.concat([
        fromHex('d2 84'),
        bstr(protectedHeader),
        fromHex('a0'),
        bstr(PAYLOAD),
        bstr(signature),
      ])
      expect(sign1.length).to.equal(answer.coseSign1Length)
      expect(toHex(sha256(sign1))).to.equal(answer.coseSign1Hash)
    })
  }
})
