import { SigningKey } from '@gridseal/pqc'
import { DecodeError, fromHex, toHex } from '@gridseal/wire'
import { decodeRootHeader, encodeRootHeader, toBeSigned } from '#src/cose.ts'
import type { RootHeader } from '#src/cose.ts'
import { expect } from 'chai'
import { mutations } from '../../../test/support/mutate.ts'

const HEADER: RootHeader = {
  algorithm: 'ML-DSA-65',
  keyId: new Uint8Array(32).fill(0xaa),
  stream: new Uint8Array(16).fill(0xbb),
  number: 3,
  treeSize: 1000,
  previousRoot: new Uint8Array(32).fill(0xcc),
}

describe('COSE_Sign1 over a root (RFC 9052, RFC 9942)', () => {
  it('signs the Sig_structure with the root as detached payload', () => {
    const root = fromHex('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328')
    expect(toHex(toBeSigned(fromHex('a201383019018b01'), root))).to.equal(
      '846a5369676e61747572653148a201383019018b014058205dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
    )
  })

  it('writes the protected header as a deterministic map', () => {
    expect(toHex(encodeRootHeader({ ...HEADER, number: 0, previousRoot: undefined }))).to.equal(
      `a6013830045820${'aa'.repeat(32)}19018b013a0001000050${'bb'.repeat(16)}3a00010001003a000100021903e8`,
    )
  })

  it('reads what it writes', () => {
    expect(decodeRootHeader(encodeRootHeader(HEADER))).to.deep.equal(HEADER)
    const first = { ...HEADER, number: 0, previousRoot: undefined }
    expect(decodeRootHeader(encodeRootHeader(first))).to.deep.equal(first)
  })

  it('insists on a previous root in every batch but the first', () => {
    expect(() => decodeRootHeader(encodeRootHeader({ ...HEADER, number: 0 }))).to.throw(DecodeError)
    expect(() => decodeRootHeader(encodeRootHeader({ ...HEADER, previousRoot: undefined }))).to.throw(DecodeError)
  })

  it('survives every mutation: DecodeError, or a header that is written the same way', () => {
    for (const bytes of mutations(encodeRootHeader(HEADER))) {
      try {
        expect(toHex(encodeRootHeader(decodeRootHeader(bytes)))).to.equal(toHex(bytes))
      } catch (error) {
        expect(error).to.be.instanceOf(DecodeError)
      }
    }
  })

  it('uses the numbers that COSE has for ML-DSA (RFC 9964)', () => {
    const numbers = (['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'] as const).map((algorithm) => {
      const bytes = encodeRootHeader({ ...HEADER, algorithm })
      return toHex(bytes.subarray(1, 4))
    })
    expect(numbers).to.deep.equal(['01382f', '013830', '013831'])
    expect(SigningKey.generate('ML-DSA-44').publicKey.fingerprint.length).to.equal(32)
  })
})
