import { expect } from 'chai'
import fc from 'fast-check'
import type { Direction, Framer } from '@gridseal/adapter'
import { modbusAdapter } from '@gridseal/modbus'
import { fromHex, toHex } from '@gridseal/wire'
import { cutAt, framed, hex, joined, pieces, places } from '../support/chunking.ts'
import { fixtureFrames, fixtureSegments } from '../support/fixtures.ts'

const tcp = (direction: Direction = 'to-device'): Framer => modbusAdapter.framer({ medium: 'stream', direction })

const READ = '0001 0000 0006 01 03 0000 000A'
const WRITE = '0002 0000 0006 01 06 0001 0003'
/** Function 3 answers with registers that look like headers: 0000 0000 0006 0103. */
const MISLEADING = '0003 0000 000B 01 03 08 0000 0000 0006 0103'

describe('Modbus TCP framer', () => {
  it('gives the frames of a capture, however the stream is cut', () => {
    const { toDevice, toMaster } = fixtureSegments()
    for (const [direction, segments] of [
      ['to-device', toDevice],
      ['to-master', toMaster],
    ] as const) {
      const bytes = joined(segments)
      const whole = framed(tcp(direction), [bytes])
      expect(whole.length).to.be.greaterThan(250)
      expect(whole.join('')).to.equal(toHex(bytes))
      for (const size of [1, 2, 5, 7, 64, 259, 261]) {
        const framer = tcp(direction)
        expect(framed(framer, pieces(bytes, size))).to.deep.equal(whole)
        expect([framer.discarded, framer.invalid, framer.pending]).to.deep.equal([0, 0, 0])
      }
      fc.assert(
        fc.property(places, (at) => {
          expect(framed(tcp(direction), cutAt(bytes, at))).to.deep.equal(whole)
        }),
        { numRuns: 30 },
      )
    }
  })

  it('gives each golden frame as it is', () => {
    for (const { bytes, direction } of fixtureFrames()) {
      expect(framed(tcp(direction), [bytes])).to.deep.equal([toHex(bytes)])
      expect(framed(tcp(direction), pieces(bytes, 1))).to.deep.equal([toHex(bytes)])
    }
  })

  it('gives views of the chunk, and the chunk itself where it is one frame', () => {
    const one = fromHex(READ)
    expect(tcp().push(one)[0]).to.equal(one)
    const two = fromHex(READ + WRITE)
    const frames = tcp().push(two)
    expect(frames.map((frame) => [frame.buffer === two.buffer, frame.byteOffset])).to.deep.equal([
      [true, 0],
      [true, 12],
    ])
  })

  it('goes on without copies behind a frame that spans two chunks', () => {
    const framer = tcp()
    framer.push(fromHex(READ).slice(0, 9))
    const second = joined([fromHex(READ).slice(9), fromHex(WRITE), fromHex(READ)])
    const frames = framer.push(second)
    expect(frames.map((frame) => toHex(frame))).to.deep.equal([READ, WRITE, READ].map(hex))
    expect(frames.map((frame) => frame.buffer === second.buffer)).to.deep.equal([false, true, true])
  })

  it('never writes to a frame that it has handed out', () => {
    const framer = tcp('to-master')
    const bytes = joined(fixtureSegments().toMaster)
    const frames: Uint8Array[] = []
    const copies: string[] = []
    for (const piece of pieces(bytes, 11)) {
      for (const frame of framer.push(piece)) {
        frames.push(frame)
        copies.push(toHex(frame))
      }
    }
    expect(frames.map((frame) => toHex(frame))).to.deep.equal(copies)
  })

  it('takes 1000 requests in one segment', () => {
    const frame = fromHex(READ)
    expect(tcp().push(joined(new Array<Uint8Array>(1000).fill(frame)))).to.have.length(1000)
  })

  it('holds an unfinished frame and forgets it on reset', () => {
    const framer = tcp()
    expect(framer.push(fromHex('0001 0000 0006 01'))).to.have.length(0)
    expect(framer.pending).to.equal(7)
    framer.reset()
    expect([framer.pending, framer.discarded]).to.deep.equal([0, 0])
    expect(framed(framer, [fromHex(READ)])).to.deep.equal([hex(READ)])
  })
})

describe('Modbus TCP framer, out of step', () => {
  it('skips noise to the next header and counts every byte', () => {
    const noise = 'DEAD BEEF 12'
    for (const size of [1, 3, 100]) {
      const framer = tcp()
      expect(framed(framer, pieces(fromHex(noise + READ + WRITE), size))).to.deep.equal([hex(READ), hex(WRITE)])
      expect([framer.discarded, framer.invalid, framer.pending]).to.deep.equal([5, 1, 0])
    }
  })

  it('counts each loss of step once', () => {
    const framer = tcp()
    framed(framer, [fromHex(`${READ} FFFFFFFF ${READ} EEEEEEEE ${READ}`)])
    expect([framer.discarded, framer.invalid]).to.deep.equal([8, 2])
  })

  const headers: readonly (readonly [string, string])[] = [
    ['protocol identifier 1234', '0001 1234 0006 01 03 0000 0001'],
    ['length 0', '0001 0000 0000 01 03 0000 0001'],
    ['length 1', '0001 0000 0001 01 03 0000 0001'],
    ['length 255', '0001 0000 00FF 01 03 0000 0001'],
    ['length 65535', '0001 0000 FFFF 01 03 0000 0001'],
  ]
  for (const [title, header] of headers) {
    it(`refuses ${title}`, () => {
      const framer = tcp()
      expect(framed(framer, [fromHex(header + READ)])).to.deep.equal([hex(READ)])
      expect([framer.discarded, framer.invalid]).to.deep.equal([12, 1])
    })
  }

  it('is not misled by register contents that look like a header', () => {
    // The first bytes of the response are lost; inside, "0000 0000 0006 0103" claims a response of 6 bytes.
    const tail = fromHex(MISLEADING).slice(2)
    const answer = '0004 0000 0005 01 03 02 1234'
    const framer = tcp('to-master')
    expect(framed(framer, [joined([tail, fromHex(answer)])])).to.deep.equal([hex(answer)])
    expect(framer.discarded).to.equal(tail.length)
  })

  it('is not misled by a TLS handshake, RPC, RDP or HTTP on port 502', () => {
    const strangers = [
      '1603010085010000810303736ff818542129f78f492d9b1557dafcc7926f075fa314dc76a47a73d1b6f109000020c02fc030c02bc02ccca8cca9c013c009c014c00a009c009d002f0035c012000a01000038000500050100000000000a000a0008001d001700180019000b00020100000d000e000c040104030501050302010203ff0100010000120000',
      '05000b03100000004800000001000000b810b8100000000001000000000001000883afe11f5dc91191a408002b14a0fa03000000045d888aeb1cc9119fe808002b10486002000000',
      '800000287e86ab4a0000000000000002000186a3000000030000000000000000000000000000000000000000',
      '0300002b26e00000000000436f6f6b69653a206d737473686173683d61646d696e0d0a0100080001000000',
      toHex(new TextEncoder().encode('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')),
    ]
    for (const bytes of strangers) {
      const framer = tcp()
      expect(framed(framer, [fromHex(bytes)])).to.deep.equal([])
      expect(framer.discarded + framer.pending).to.equal(bytes.length / 2)
    }
  })

  it('finds frames of a user-defined function again when nothing or a header follows', () => {
    const own = '0005 0000 0004 01 41 BEEF'
    expect(framed(tcp(), [fromHex(`FFFF${own}`)])).to.deep.equal([hex(own)])
    expect(framed(tcp(), [fromHex(`FFFF${own}${READ}`)])).to.deep.equal([hex(own), hex(READ)])
  })

  it('holds no more than one frame and a header, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 20 }), (chunks) => {
        const framer = tcp()
        let [taken, framesLength] = [0, 0]
        for (const chunk of chunks) {
          taken += chunk.length
          for (const frame of framer.push(chunk)) framesLength += frame.length
          expect(framer.pending).to.be.lessThan(266)
        }
        expect(framesLength + framer.discarded + framer.pending).to.equal(taken)
      }),
    )
  })

  it('gives up an unfinished frame when the line is quiet, but not the frame behind it', () => {
    const framer = tcp()
    framer.push(fromHex(`0009 0000 00C8 01 10 ${READ}`))
    expect(framer.pending).to.equal(20)
    expect(framer.quiet().map((frame) => toHex(frame))).to.deep.equal([hex(READ)])
    expect([framer.discarded, framer.pending]).to.deep.equal([8, 0])
  })
})

describe('Modbus framer on datagrams', () => {
  const udp = (): Framer => modbusAdapter.framer({ medium: 'datagram', direction: 'to-device' })

  it('takes a datagram for one or more whole frames', () => {
    expect(framed(udp(), [fromHex(READ), fromHex(READ + WRITE)])).to.deep.equal([READ, READ, WRITE].map(hex))
  })

  it('lets no frame span two, and looks for none behind garbage', () => {
    const framer = udp()
    const [first, second] = [fromHex(READ).slice(0, 8), fromHex(READ).slice(8)]
    expect(framed(framer, [first, second, fromHex(`FF${READ}`), fromHex(WRITE)])).to.deep.equal([hex(WRITE)])
    expect([framer.discarded, framer.invalid, framer.pending]).to.deep.equal([25, 3, 0])
  })
})
