import { checkMac0, decodeMac0, writeMac0 } from '@gridseal/envelope'
import { MacKey } from '@gridseal/pqc'
import { AuthError, DecodeError, fromHex, toHex } from '@gridseal/wire'
import { expect } from 'chai'
import { mutations } from '../../../test/support/mutate.ts'

const secret = Uint8Array.from({ length: 32 }, (_, i) => i)
const key = new MacKey(secret)
const hello = Buffer.from('hello')

describe('COSE_Mac0 (RFC 9052 6.2)', () => {
  const vectors = [
    ['HMAC-256/256', 'a10105', 'a40db77255d78c45239ff26158c8b5c760fc4b36c3a058742c46bb7590b9189a', '5820'],
    ['HMAC-256/64', 'a10104', '775b75f7fcde6ce3', '48'],
  ] as const
  for (const [algorithm, header, tag, head] of vectors) {
    it(`is written and read with ${algorithm}`, () => {
      const message = writeMac0(algorithm, key, fromHex(header), hello)
      expect(toHex(message)).to.equal(`d18443${header}a04568656c6c6f${head}${tag}`)
      const raw = decodeMac0(message)
      checkMac0(algorithm, key, raw)
      expect(() => checkMac0(algorithm, new MacKey(secret.slice(1)), raw)).to.throw(AuthError)
    })

    it(`refuses every mutation with ${algorithm}`, () => {
      for (const bytes of mutations(writeMac0(algorithm, key, fromHex(header), hello))) {
        try {
          const raw = decodeMac0(bytes)
          checkMac0(algorithm, key, raw)
          // Nothing that was altered passes, and what passes is the message itself.
          expect(toHex(raw.payload) + toHex(raw.protectedHeader)).to.equal(toHex(hello) + header)
        } catch (error) {
          if (!(error instanceof DecodeError)) expect(error).to.be.instanceOf(AuthError)
        }
      }
    })
  }

  it('a short tag does not pass for a long one', () => {
    const raw = decodeMac0(writeMac0('HMAC-256/64', key, fromHex('a10105'), hello))
    expect(() => checkMac0('HMAC-256/256', key, raw)).to.throw(AuthError)
  })
})
