import { expect } from 'chai'
import fc from 'fast-check'
import {
  ADU_CODECS,
  FRAMINGS,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  examinePdu,
} from '@gridseal/modbus'
import { DecodeError, toHex } from '@gridseal/wire'
import { mutations } from '../../../../test/support/mutate.ts'
import { anyRequest, anyResponse } from '../support/arbitraries.ts'
import { fixtureFrames } from '../support/fixtures.ts'
import { VECTORS } from '../support/vectors.ts'
import { fromHex } from '@gridseal/wire'

describe('Modbus codec round trips', () => {
  it('decodes every request it encodes to the same value', () => {
    fc.assert(
      fc.property(anyRequest, (request) => {
        expect(decodeRequest(encodeRequest(request))).to.deep.equal(request)
      }),
      { numRuns: 1000 },
    )
  })

  it('decodes every response it encodes to the same value', () => {
    fc.assert(
      fc.property(anyResponse, (response) => {
        expect(decodeResponse(encodeResponse(response))).to.deep.equal(response)
      }),
      { numRuns: 1000 },
    )
  })

  it('encodes what it decodes to the same bytes, whatever the bytes', () => {
    const pdu = fc
      .tuple(fc.nat(0xff), fc.uint8Array({ maxLength: 12 }))
      .map(([code, data]) => new Uint8Array([code, ...data]))
    let decoded = 0
    const again = (bytes: Uint8Array, there: () => Uint8Array) => {
      let encoded: Uint8Array
      try {
        encoded = there()
      } catch (error) {
        if (error instanceof DecodeError) return
        throw error
      }
      decoded++
      expect(toHex(encoded)).to.equal(toHex(bytes))
    }
    fc.assert(
      fc.property(pdu, (bytes) => {
        again(bytes, () => encodeRequest(decodeRequest(bytes)))
        again(bytes, () => encodeResponse(decodeResponse(bytes)))
      }),
      { numRuns: 5000 },
    )
    expect(decoded).to.be.greaterThan(1000)
  })

  it('frames any PDU in every framing and finds it again', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FRAMINGS),
        fc.nat(0xffff),
        fc.nat(0xff),
        fc.uint8Array({ minLength: 1, maxLength: 253 }),
        (framing, transaction, unit, pdu) => {
          const adu = { transaction: framing === 'tcp' ? transaction : null, unit, pdu }
          const frame = ADU_CODECS[framing].encode(adu)
          const found = ADU_CODECS[framing].decode(frame)
          expect({ ...found, pdu: toHex(found.pdu) }).to.deep.equal({ ...adu, pdu: toHex(pdu) })
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('Modbus codec, mutated', () => {
  const golden = [
    ...VECTORS.flatMap(({ request, response }) => [
      { side: 'request' as const, pdu: fromHex(request.pdu) },
      { side: 'response' as const, pdu: fromHex(response.pdu) },
    ]),
    ...fixtureFrames().map(({ direction, bytes }) => ({
      side: direction === 'to-device' ? ('request' as const) : ('response' as const),
      pdu: bytes.slice(7),
    })),
  ]

  it('answers every mutation of every golden PDU with a value that encodes back, or a DecodeError', () => {
    let refused = 0
    for (const { side, pdu } of golden) {
      for (const mutant of mutations(pdu)) {
        let again: Uint8Array
        try {
          again = side === 'request' ? encodeRequest(decodeRequest(mutant)) : encodeResponse(decodeResponse(mutant))
        } catch (error) {
          expect(error).to.be.instanceOf(DecodeError)
          const { offset, field } = error as DecodeError
          expect(offset).to.be.within(0, mutant.length)
          expect(field).to.not.equal('')
          refused++
          continue
        }
        expect(toHex(again)).to.equal(toHex(mutant))
      }
    }
    expect(refused).to.be.greaterThan(1000)
  })

  it('examines every mutation without throwing, and finds fault exactly where the strict decoder does', () => {
    for (const { side, pdu } of golden) {
      for (const mutant of mutations(pdu)) {
        const { malformed, violation } = examinePdu(mutant, 0, mutant.length, side)
        const strict = side === 'request' ? decodeRequest : decodeResponse
        let sound = true
        try {
          strict(mutant)
        } catch {
          sound = false
        }
        expect(malformed === undefined && violation === undefined).to.equal(sound, toHex(mutant))
      }
    }
  })

  it('answers every mutation of every golden ADU with a value or a DecodeError', () => {
    for (const { bytes } of fixtureFrames()) {
      const { pdu, unit } = ADU_CODECS.tcp.decode(bytes)
      for (const framing of FRAMINGS) {
        const frame = ADU_CODECS[framing].encode({ transaction: 1, unit, pdu })
        for (const mutant of mutations(frame)) {
          try {
            const adu = ADU_CODECS[framing].decode(mutant)
            expect(adu.pdu.length).to.be.within(1, 253)
          } catch (error) {
            expect(error).to.be.instanceOf(DecodeError)
          }
        }
      }
    }
  })
})
