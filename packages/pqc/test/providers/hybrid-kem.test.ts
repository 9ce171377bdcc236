import { expect } from 'chai'
import { DecapsulationKey } from '@gridseal/pqc'
import { InternalError, toHex } from '@gridseal/wire'
import type { HybridEncapsulator } from '#src/providers/hybrid-kem.ts'
import { nobleAgreement } from '#src/providers/noble/classical.ts'
import { nobleMlKem } from '#src/providers/noble/kems.ts'
import { hybridKem } from '#src/providers/hybrid-kem.ts'

describe('the scalar of a hybrid KEM (RandomScalar of draft-irtf-cfrg-concrete-hybrid-kems)', () => {
  const key = DecapsulationKey.fromSeed('MLKEM768-P256', new Uint8Array(32).fill(1))
  const kem = hybridKem('MLKEM768-P256', () => nobleMlKem('ML-KEM-768'), nobleAgreement)
  const encapsulator = kem.encapsulator(key.publicKey) as HybridEncapsulator
  /** 32 bytes for ML-KEM and four candidates of 32 bytes. */
  const randomness = (...candidates: readonly number[]): Uint8Array =>
    Uint8Array.of(...new Uint8Array(32), ...candidates.flatMap((octet) => new Array<number>(32).fill(octet)))

  it('is the first candidate that is at least 1 and below the order', () => {
    const wanted = toHex(encapsulator.encapsulate(randomness(5, 6, 7, 8)).ciphertext)
    for (const early of [
      [0xff, 5, 6, 7],
      [0, 0xff, 5, 6],
      [0xff, 0, 0xff, 5],
    ]) {
      const { ciphertext, sharedSecret } = encapsulator.encapsulate(randomness(...early))
      expect(toHex(ciphertext)).to.equal(wanted)
      expect(toHex(key.decapsulate(ciphertext))).to.equal(toHex(sharedSecret))
    }
  })

  it('is none where no candidate is', () => {
    expect(() => encapsulator.encapsulate(randomness(0, 0xff, 0, 0xff)))
      .to.throw(InternalError)
      .with.property('code', 'pqc.hybrid.scalar')
  })
})
