import { expect } from 'chai'
import fc from 'fast-check'
import { CRC_MODELS, crc16Dnp, crc16Modbus, crc16X25, crc32Ssp21, crc32c, fromHex, makeCrc } from '@gridseal/wire'
import type { CrcModel } from '@gridseal/wire'

/** The definition, a bit at a time, from the model's numbers alone. */
function bitwise(model: CrcModel, bytes: Uint8Array): number {
  if (model.msbFirst === true) return bitwiseMsbFirst(model, bytes)
  let register = BigInt(model.init)
  for (const byte of bytes) {
    register ^= BigInt(byte)
    for (let i = 0; i < 8; i++) register = register & 1n ? (register >> 1n) ^ BigInt(model.polynomial) : register >> 1n
  }
  return Number(register ^ BigInt(model.xorOut))
}

/** The same for a model whose most significant bit goes first. */
function bitwiseMsbFirst({ polynomial, init, xorOut }: CrcModel, bytes: Uint8Array): number {
  let register = BigInt(init)
  for (const byte of bytes) {
    register ^= BigInt(byte) << 24n
    for (let i = 0; i < 8; i++) {
      const carry = (register & 0x8000_0000n) !== 0n
      register = (register << 1n) & 0xffff_ffffn
      if (carry) register ^= BigInt(polynomial)
    }
  }
  return Number(register ^ BigInt(xorOut))
}

/** A polynomial as the catalogue writes it (most significant coefficient first) in the reflected form of the model. */
function reflected(polynomial: number, width: number): number {
  const digits = polynomial.toString(2).padStart(width, '0')
  return parseInt(digits.split('').reverse().join(''), 2)
}

const DIGITS = new TextEncoder().encode('123456789')

describe('CRC', () => {
  for (const model of Object.values(CRC_MODELS)) {
    describe(model.name, () => {
      const crc = makeCrc(model)

      it(`gives the catalogue's check value ${model.check.toString(16)} for "123456789"`, () => {
        expect(crc(DIGITS)).to.equal(model.check)
        expect(bitwise(model, DIGITS)).to.equal(model.check)
      })

      it('agrees with the definition for any bytes', () => {
        fc.assert(
          fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
            expect(crc(bytes)).to.equal(bitwise(model, bytes))
          }),
          { numRuns: 300 },
        )
      })

      it('reads only its part of the buffer', () => {
        fc.assert(
          fc.property(fc.uint8Array({ minLength: 2, maxLength: 40 }), fc.nat(), fc.nat(), (bytes, a, b) => {
            const [start, end] = [a % bytes.length, b % bytes.length].sort((x, y) => x - y) as [number, number]
            expect(crc(bytes, start, end)).to.equal(crc(bytes.slice(start, end)))
          }),
        )
      })

      it('notices every single flipped bit and every burst up to its width', () => {
        const frame = Uint8Array.from({ length: 64 }, (_, i) => (i * 37) & 0xff)
        const good = crc(frame)
        for (let at = 0; at < frame.length * 8; at++) {
          for (let width = 1; width <= model.width && at + width <= frame.length * 8; width += 5) {
            const burst = frame.slice()
            burst[at >> 3]! ^= 1 << (at & 7)
            if (width > 1) burst[(at + width - 1) >> 3]! ^= 1 << ((at + width - 1) & 7)
            expect(crc(burst), `bits ${at} and ${at + width - 1}`).not.to.equal(good)
          }
        }
      })
    })
  }

  it('SSP21: the values of its reference implementation', () => {
    expect(crc32Ssp21(fromHex('deadbeef'))).to.equal(0xbb4e2049)
    expect(crc32Ssp21(new TextEncoder().encode('abcdefghijklmnopqrstuvwxyz012345'))).to.equal(0x242d5ebd)
  })

  it('has the polynomials of IEEE 1815, Modbus, CCITT and Castagnoli', () => {
    expect(CRC_MODELS.dnp.polynomial).to.equal(reflected(0x3d65, 16))
    expect(CRC_MODELS.modbus.polynomial).to.equal(reflected(0x8005, 16))
    expect(CRC_MODELS.x25.polynomial).to.equal(reflected(0x1021, 16))
    expect(CRC_MODELS.crc32c.polynomial).to.equal(reflected(0x1edc6f41, 32))
  })

  it('checks the link header of a DNP3 request (IEEE 1815 9.2.4.3)', () => {
    // RESET_LINK_STATES from 1024 to 1; the CRC follows, low octet first.
    const frame = fromHex('0564 05 c0 0100 0004 e921')
    expect(crc16Dnp(frame, 0, 8)).to.equal(frame[8]! | (frame[9]! << 8))
  })

  it('checks a Modbus RTU request (serial line 6.2.2)', () => {
    // unit 1, read 10 holding registers at 0
    const frame = fromHex('01 03 0000 000a c5cd')
    expect(crc16Modbus(frame, 0, 6)).to.equal(frame[6]! | (frame[7]! << 8))
  })

  it('leaves the constant residue over a frame with its own CRC', () => {
    // register f0b8 before the final XOR.
    const withCrc = (bytes: Uint8Array): Uint8Array => {
      const crc = crc16X25(bytes)
      return Uint8Array.of(...bytes, crc & 0xff, crc >> 8)
    }
    expect(crc16X25(withCrc(DIGITS)) ^ 0xffff).to.equal(0xf0b8)
  })

  it('gives the CRC-32C examples of RFC 3720 B.4', () => {
    expect(crc32c(new Uint8Array(32))).to.equal(0x8a9136aa)
    expect(crc32c(new Uint8Array(32).fill(0xff))).to.equal(0x62a8ab43)
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).to.equal(0x46dd794e)
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => 31 - i))).to.equal(0x113fdb5c)
  })

  it('gives the initial value for no bytes', () => {
    expect([
      crc16Dnp(DIGITS, 3, 3),
      crc16Modbus(DIGITS, 3, 3),
      crc16X25(DIGITS, 9),
      crc32c(new Uint8Array(0)),
    ]).to.deep.equal([0xffff, 0xffff, 0, 0])
  })
})
