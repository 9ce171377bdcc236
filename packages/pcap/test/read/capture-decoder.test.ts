import { expect } from 'chai'
import fc from 'fast-check'
import { CaptureDecoder, LINK_TYPE, openCapture, readCapture } from '@gridseal/pcap'
import type { Packet } from '@gridseal/pcap'
import { DecodeError, UsageError, fromHex, toHex } from '@gridseal/wire'
import { Blocks, pcapHeader, pcapRecord } from '../support/blocks.ts'
import { FIXTURES } from '../support/fixtures.ts'
import { join, text } from '../support/frames.ts'

const summary = (packet: Packet): string =>
  `${packet.number} ${packet.linkType} ${packet.interface} ${packet.time} ${packet.originalLength} ${toHex(packet.bytes)}`

describe('reading pcap', () => {
  it('reads the header and a record of the specification, byte by byte', () => {
    const file = fromHex(`
      d4c3b2a1 0200 0400 00000000 00000000 00000400 93000000
      00b95569 40e20100 08000000 08000000 1103006b00037687`)
    const { packets, info, problem } = readCapture(file)
    expect(packets.map(summary)).to.deep.equal(['1 147 0 1767225600123456000 8 1103006b00037687'])
    expect(info).to.deep.equal({
      format: 'pcap',
      byteOrder: 'little',
      interfaces: [{ linkType: LINK_TYPE.USER0, snapLength: 262_144 }],
      sections: 1,
    })
    expect(problem).to.equal(undefined)
  })

  for (const little of [true, false]) {
    for (const [magic, unit, fraction, time] of [
      [0xa1b2c3d4, 'microseconds', 999_999, 4_294_967_295_999_999_000n],
      [0xa1b23c4d, 'nanoseconds', 999_999_999, 4_294_967_295_999_999_999n],
    ] as const) {
      it(`reads ${little ? 'little' : 'big'}-endian ${unit} up to the last second of the format`, () => {
        const file = join(
          pcapHeader(little, magic, LINK_TYPE.RAW),
          pcapRecord(little, 0xffff_ffff, fraction, text('abc'), 1500),
        )
        expect(readCapture(file).packets.map(summary)).to.deep.equal([`1 101 0 ${time} 1500 616263`])
      })
    }
  }

  it('tells the length of the frame check sequence from the link type', () => {
    const { info } = readCapture(pcapHeader(true, 0xa1b2c3d4, 0x2400_0001))
    expect(info?.interfaces).to.deep.equal([{ linkType: 1, snapLength: 65_535, fcsLength: 4 }])
  })

  it('stops at a record longer than any packet', () => {
    const good = pcapRecord(true, 1, 0, text('good'))
    const bad = fromHex('00000000 00000000 01000400 01000400')
    const { packets, problem } = readCapture(join(pcapHeader(true, 0xa1b2c3d4, 1), good, bad, good))
    expect(packets).to.have.length(1)
    expect(problem).to.deep.include({ code: 'pcap.record.length', offset: 24 + 20 })
  })
})

describe('reading pcapng', () => {
  const big = new Blocks(false)

  it('counts interfaces over all sections and reads each section in its own byte order', () => {
    const little = new Blocks(true)
    const file = join(
      big.section(),
      big.interface(LINK_TYPE.ETHERNET, 100, [[2, text('eth0')]]),
      big.interface(LINK_TYPE.RAW),
      big.enhanced(1, 1_000_000n, text('one')),
      little.section(),
      little.interface(LINK_TYPE.USER0, 0, [[13, new Uint8Array([4])]]),
      little.enhanced(0, 2_000_000n, text('two'), 99),
    )
    const { packets, info } = readCapture(file)
    expect(packets.map(summary)).to.deep.equal(['1 101 1 1000000000 3 6f6e65', '2 147 2 2000000000 99 74776f'])
    expect(info).to.deep.equal({
      format: 'pcapng',
      byteOrder: 'little',
      interfaces: [
        { linkType: 1, snapLength: 100, name: 'eth0' },
        { linkType: 101, snapLength: 0 },
        { linkType: 147, snapLength: 0, fcsLength: 4 },
      ],
      sections: 2,
    })
  })

  for (const [resolution, ticks, time, meaning] of [
    [0, 7n, 7_000_000_000n, 'seconds'],
    [3, 7n, 7_000_000n, 'milliseconds'],
    [6, 7n, 7_000n, 'microseconds'],
    [9, 7n, 7n, 'nanoseconds'],
    [12, 7_999n, 7n, 'picoseconds, cut to nanoseconds'],
    [0x80, 7n, 7_000_000_000n, '2^0 seconds'],
    [0x80 | 10, 512n, 500_000_000n, '2^-10 seconds'],
    [0x80 | 32, 1n << 31n, 500_000_000n, '2^-32 seconds, as NTP has them'],
    [127, 5n, 0n, 'absurdly fine decimals'],
    [255, 5n, 0n, 'absurdly fine binary fractions'],
  ] as const) {
    it(`reads times in ${meaning} (if_tsresol ${resolution})`, () => {
      const options = [[9, new Uint8Array([resolution])]] as const
      const file = join(big.section(), big.interface(1, 0, options), big.enhanced(0, ticks, text('x')))
      expect(readCapture(file).packets.map((packet) => packet.time)).to.deep.equal([time])
    })
  }

  it('adds if_tsoffset, which may be negative', () => {
    const offset = big.new().i64(-3n).finish()
    const file = join(big.section(), big.interface(1, 0, [[14, offset]]), big.enhanced(0, 5_000_001n, text('x')))
    expect(readCapture(file).packets.map((packet) => packet.time)).to.deep.equal([2_000_001_000n])
  })

  it('cuts simple packets at the snap length', () => {
    const file = join(big.section(), big.interface(1, 4), big.simple(text('abcd'), 1500))
    expect(readCapture(file).packets.map(summary)).to.deep.equal(['1 1 0 0 1500 61626364'])
  })

  for (const [what, code, blocks] of [
    ['a packet of an interface that is not described', 'pcap.block.interface', [big.enhanced(1, 0n, text('x'))]],
    ['a block without its length at the end', 'pcap.block.trailer', [withByte(big.enhanced(0, 0n, text('x')), -1, 9)]],
    [
      'a block length that is no multiple of four',
      'pcap.block.length',
      [withByte(big.enhanced(0, 0n, text('x')), 7, 33)],
    ],
    ['a block length below twelve', 'pcap.block.length', [withByte(big.enhanced(0, 0n, text('x')), 7, 8)]],
    ['a captured length beyond the block', 'pcap.block.length', [withByte(big.enhanced(0, 0n, text('x')), 23, 5)]],
    [
      'an option that leaves its block',
      'pcap.option.length',
      [withByte(big.interface(1, 0, [[2, text('e')]]), 19, 99)],
    ],
    ['a section without byte-order magic', 'pcap.section.byte-order', [withByte(big.section(), 8, 0)]],
    ['a section of another major version', 'pcap.section.version', [withByte(big.section(), 13, 2)]],
    ['a packet block that is too short', 'pcap.block.length', [big.block(6, new Uint8Array(16))]],
  ] as const) {
    it(`stops at ${what} and keeps what came before`, () => {
      const start = join(big.section(), big.interface(1), big.enhanced(0, 1n, text('good')))
      const { packets, problem } = readCapture(join(start, ...blocks, big.enhanced(0, 2n, text('unreached'))))
      expect(packets).to.have.length(1)
      expect(problem).to.deep.include({ code, offset: start.length })
    })
  }
})

describe('the text of a time', () => {
  const textOf = (time: bigint): string => `${time / 1_000_000_000n}.${String(time % 1_000_000_000n).padStart(9, '0')}`
  const expectTexts = (file: Uint8Array): void => {
    for (const packet of readCapture(file).packets) expect(packet.timeText).to.equal(textOf(packet.time))
  }

  it('is that of the nanoseconds, in pcap, also where a fraction is more than a second', () => {
    const words = fc.tuple(fc.nat(0xffff_ffff), fc.oneof(fc.nat(999_999), fc.nat(0xffff_ffff)))
    for (const magic of [0xa1b2c3d4, 0xa1b23c4d]) {
      fc.assert(
        fc.property(fc.array(words), (times) => {
          const records = times.map(([seconds, fraction]) => pcapRecord(true, seconds, fraction, text('x')))
          expectTexts(join(pcapHeader(true, magic, LINK_TYPE.RAW), ...records))
        }),
      )
    }
  })

  it('is that of the nanoseconds, in pcapng at every resolution, whichever way time goes', () => {
    const blocks = new Blocks(true)
    const ticks = fc.oneof(
      fc.bigInt(0n, 2n ** 64n - 1n),
      fc.bigInt(1_767_225_600_000_000_000n, 1_767_225_603_000_000_000n),
    )
    for (const resolution of [undefined, 3, 6, 9, 12, 0x81, 0xa0]) {
      const options = resolution === undefined ? [] : ([[9, new Uint8Array([resolution])]] as const)
      fc.assert(
        fc.property(fc.array(ticks), (times) => {
          const packets = times.map((time) => blocks.enhanced(0, time, text('x')))
          expectTexts(join(blocks.section(), blocks.interface(LINK_TYPE.RAW, 0, [...options]), ...packets))
        }),
      )
    }
  })
})

describe('reading any capture', () => {
  it('reports a file cut off at each length, with every whole record before the cut', () => {
    for (const { name, build } of FIXTURES.filter((fixture) => fixture.name !== 'modbus-poll.pcap')) {
      const file = build()
      const whole = readCapture(file).packets
      for (let length = 4; length < file.length; length++) {
        const { packets, problem } = readCapture(file.subarray(0, length))
        const expected = whole.filter((packet) => recordEnd(packet, name) <= length)
        expect(packets.map(summary), `${name} cut to ${length}`).to.deep.equal(expected.map(summary))
        if (problem !== undefined) {
          expect(problem.code).to.equal(length < 24 ? 'pcap.header.truncated' : 'pcap.record.truncated')
          expect(problem.offset).to.be.at.most(length)
        }
      }
    }
  })

  it('refuses what is not a capture', () => {
    for (const [bytes, message] of [
      [new Uint8Array(0), /file of 0 bytes/],
      [fromHex('a1b2'), /file of 2 bytes/],
      [text('GET / HTTP/1.1\r\nHost: example'), /neither a pcap nor a pcapng/],
      [text('short text'), /neither a pcap nor a pcapng/],
      [join(fromHex('1f8b0800'), new Uint8Array(40)), /gzip/],
    ] as const) {
      expect(() => readCapture(bytes))
        .to.throw(DecodeError, message)
        .with.property('code', 'pcap.magic')
    }
  })

  it('ignores what comes after a problem', () => {
    const decoder = new CaptureDecoder()
    const header = pcapHeader(true, 0xa1b2c3d4, 1)
    decoder.push(join(header, fromHex('00000000 00000000 ffffffff ffffffff')))
    const { problem } = decoder
    expect(decoder.push(pcapRecord(true, 1, 0, text('late')))).to.deep.equal([])
    decoder.finish()
    expect(decoder.problem).to.equal(problem)
  })

  it('reads the same packets and problem however the file is cut into chunks', () => {
    const files = FIXTURES.map(({ build }) => build())
    fc.assert(
      fc.property(
        fc.constantFrom(...files),
        fc.nat(40),
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 20 }),
        (file, cut, sizes) => {
          const bytes = file.subarray(0, Math.max(24, file.length - cut))
          const decoder = new CaptureDecoder()
          const packets: Packet[] = []
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const size = sizes[turn % sizes.length]!
            packets.push(...decoder.push(bytes.slice(at, at + size)))
            at += size
          }
          decoder.finish()
          const whole = readCapture(bytes)
          expect(packets.map(summary)).to.deep.equal(whole.packets.map(summary))
          expect(decoder.problem).to.deep.equal(whole.problem)
          expect(decoder.info).to.deep.equal(whole.info)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('does not reserve memory by a length field', () => {
    const decoder = new CaptureDecoder()
    decoder.push(
      join(pcapHeader(true, 0xa1b2c3d4, 1, 16 * 1024 * 1024), fromHex('00000000 00000000 00000001 00000001')),
    )
    const before = process.memoryUsage().arrayBuffers
    for (let count = 0; count < 100; count++) decoder.push(new Uint8Array(10))
    expect(process.memoryUsage().arrayBuffers - before).to.be.lessThan(1_000_000)
  })

  it('gives the packets of a large chunk in batches, the same as at once', async () => {
    const records = Array.from({ length: 2000 }, (_, i) => pcapRecord(true, i, 0, text('x'.repeat(i % 300))))
    const file = join(pcapHeader(true, 0xa1b2c3d4, 1), ...records)
    const batches: Packet[][] = []
    for await (const batch of openCapture([file])) batches.push(batch)
    expect(batches.length).to.be.greaterThan(5)
    expect(Math.max(...batches.map((batch) => batch.length))).to.be.lessThan(1000)
    expect(batches.flat().map(summary)).to.deep.equal(readCapture(file).packets.map(summary))
  })

  it('reads from any source of chunks', async () => {
    const file = join(
      pcapHeader(true, 0xa1b2c3d4, 1),
      pcapRecord(true, 1, 0, text('one')),
      pcapRecord(true, 2, 0, text('two')),
    )
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield file.subarray(0, 50)
      yield file.subarray(50)
    }
    for (const source of [chunks(), [file], [file.subarray(0, 3), file.subarray(3)]]) {
      const capture = openCapture(source)
      const batches: number[] = []
      for await (const packets of capture) batches.push(packets.length)
      expect(batches.reduce((sum, count) => sum + count, 0)).to.equal(2)
      expect(capture.info?.format).to.equal('pcap')
      expect(capture.problem).to.equal(undefined)
    }
  })

  it('iterates a capture once, with a sensible chunk size', async () => {
    const capture = openCapture([pcapHeader(true, 0xa1b2c3d4, 1)])
    for await (const _ of capture);
    let error: unknown
    try {
      for await (const _ of capture);
    } catch (caught) {
      error = caught
    }
    expect(error).to.be.instanceOf(UsageError).with.property('code', 'pcap.read.again')
    for (const chunkSize of [0, -1, 0.5]) {
      expect(() => openCapture('file', { chunkSize }))
        .to.throw(UsageError)
        .with.property('code', 'pcap.read.option')
    }
  })

  it('gives packets that outlive their chunk when detached', () => {
    const file = join(pcapHeader(true, 0xa1b2c3d4, 1), pcapRecord(true, 1, 5, text('abc'), 9))
    const packet = readCapture(file).packets[0]!
    const copy = packet.detached()
    expect(packet.bytes.buffer).to.equal(file.buffer)
    file.fill(0, 40)
    expect(summary(copy)).to.equal('1 1 0 1000005000 9 616263')
  })
})

function withByte(block: Uint8Array, at: number, value: number): Uint8Array {
  const copy = block.slice()
  copy[at < 0 ? copy.length + at : at] = value
  return copy
}

/** Offset in the file behind the record of a packet. */
function recordEnd(packet: Packet, name: string): number {
  if (name.endsWith('.pcap')) return packet.end
  // The blocks of the fixtures have no options: padding and the length follow the data.
  return packet.start + ((packet.end - packet.start + 3) & ~3) + 4
}
