import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { CaptureFile, LINK_TYPE, PcapWriter, PcapngWriter, readCapture } from '@gridseal/pcap'
import type { PacketRecord } from '@gridseal/pcap'
import { UsageError, fromHex, toHex } from '@gridseal/wire'
import { needPeer } from '../../../../test/support/requirements.ts'
import { join, text } from '../support/frames.ts'
import { runTshark } from '../support/tshark.ts'

const TIME = 1_767_225_600_123_456_789n

const records = (lastSecond: bigint): fc.Arbitrary<PacketRecord[]> =>
  fc.array(
    fc.record({
      time: fc.bigInt({ min: 0n, max: lastSecond }),
      bytes: fc.uint8Array({ maxLength: 200 }),
      originalLength: fc.integer({ min: 200, max: 0xffff_ffff }),
    }),
  )

const asRead = ({ time, bytes, originalLength }: PacketRecord): string => `${time} ${originalLength} ${toHex(bytes)}`

describe('PcapWriter', () => {
  it('writes header and record as the specification lays them out', () => {
    const file = new PcapWriter({ linkType: LINK_TYPE.USER0 }).add({ time: TIME, bytes: fromHex('1103') }).take()
    expect(toHex(file)).to.equal(
      toHex(
        fromHex(`
          4d3cb2a1 0200 0400 00000000 00000000 00000400 93000000
          00b95569 15cd5b07 02000000 02000000 1103`),
      ),
    )
  })

  it('writes microseconds for old readers', () => {
    const file = new PcapWriter({ linkType: 1, resolution: 'us' }).add({ time: TIME, bytes: text('x') }).take()
    expect(toHex(file.subarray(0, 4))).to.equal('d4c3b2a1')
    expect(readCapture(file).packets[0]?.time).to.equal(1_767_225_600_123_456_000n)
  })

  it('writes what reads back, for any packets', () => {
    fc.assert(
      fc.property(records((1n << 32n) * 1_000_000_000n - 1n), (packets) => {
        const writer = new PcapWriter({ linkType: LINK_TYPE.RAW })
        for (const packet of packets) writer.add(packet)
        expect(readCapture(writer.take()).packets.map(asRead)).to.deep.equal(packets.map(asRead))
      }),
    )
  })

  it('refuses another link type and times outside 32 bits of seconds', () => {
    const writer = new PcapWriter({ linkType: 1 })
    for (const [record, code] of [
      [{ time: 0n, bytes: text('x'), linkType: 101 }, 'pcap.write.link-type'],
      [{ time: -1n, bytes: text('x') }, 'pcap.write.time'],
      [{ time: (1n << 32n) * 1_000_000_000n, bytes: text('x') }, 'pcap.write.time'],
    ] as const) {
      expect(() => writer.add(record))
        .to.throw(UsageError)
        .with.property('code', code)
    }
  })
})

describe('PcapngWriter', () => {
  it('writes section, interface and packet blocks as the specification lays them out', () => {
    const writer = new PcapngWriter()
    const port = writer.addInterface({ linkType: LINK_TYPE.USER0, name: 'tty', snapLength: 256 })
    writer.add({ time: TIME, bytes: fromHex('110300') }, port)
    expect(toHex(writer.take())).to.equal(
      toHex(
        fromHex(`
          0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000
          01000000 28000000 9300 0000 00010000 0200 0300 74747900 0900 0100 09000000 00000000 28000000
          06000000 24000000 00000000 51728618 15cd55f5 03000000 03000000 11030000 24000000`),
      ),
    )
  })

  it('describes an interface for each link type as it appears', () => {
    const writer = new PcapngWriter()
    for (const linkType of [1, 147, 1]) writer.add({ time: TIME, bytes: text('x'), linkType })
    const { packets, info } = readCapture(writer.take())
    expect(packets.map((packet) => packet.interface)).to.deep.equal([0, 1, 0])
    expect(info?.interfaces.map(({ linkType }) => linkType)).to.deep.equal([1, 147])
  })

  it('writes what reads back, for any packets, taken in any pieces', () => {
    fc.assert(
      fc.property(records((1n << 64n) - 1n), fc.nat(5), (packets, rhythm) => {
        const writer = new PcapngWriter()
        const pieces: Uint8Array[] = []
        for (const [index, packet] of packets.entries()) {
          writer.add({ ...packet, linkType: 1 })
          if (index % (rhythm + 1) === 0) pieces.push(writer.take())
        }
        pieces.push(writer.take())
        expect(writer.pending).to.equal(0)
        expect(readCapture(join(...pieces)).packets.map(asRead)).to.deep.equal(packets.map(asRead))
      }),
    )
  })

  it('copies packets that were read, whatever interface they came from', () => {
    const source = new PcapngWriter()
    source.addInterface({ linkType: 101 })
    source.add({ time: TIME, bytes: text('x') }, source.addInterface({ linkType: 147 }))
    const packets = readCapture(source.take()).packets
    const copy = new PcapngWriter()
    for (const packet of packets) copy.add(packet)
    expect(readCapture(copy.take()).packets.map(asRead)).to.deep.equal(packets.map(asRead))
  })

  it('refuses interfaces that were not added, or have another link type', () => {
    const writer = new PcapngWriter()
    expect(() => writer.add({ time: 0n, bytes: text('x') }))
      .to.throw(UsageError)
      .with.property('code', 'pcap.write.interface')
    const port = writer.addInterface({ linkType: 1 })
    expect(() => writer.add({ time: 0n, bytes: text('x') }, port + 1)).to.throw(UsageError, /was not added/)
    expect(() => writer.add({ time: 0n, bytes: text('x'), linkType: 101 }, port)).to.throw(
      UsageError,
      /link type 1, not 101/,
    )
    expect(() => writer.add({ time: -1n, bytes: text('x') }, port))
      .to.throw(UsageError)
      .with.property('code', 'pcap.write.time')
  })
})

describe('CaptureFile', () => {
  const folder = mkdtempSync(joinPath(tmpdir(), 'gridseal-pcap-'))
  after(() => rmSync(folder, { recursive: true }))

  it('writes more than one block to disk and tshark reads every packet', async function () {
    const path = joinPath(folder, 'many.pcapng')
    const file = await CaptureFile.create(path, new PcapngWriter())
    const packets: PacketRecord[] = []
    for (let n = 0; n < 3000; n++)
      packets.push({ time: TIME + BigInt(n), bytes: new Uint8Array(100 + (n % 50)), linkType: 1 })
    await file.write(packets.slice(0, 1000))
    await file.write(packets.slice(1000))
    await file.close()
    expect(readCapture(readFileSync(path)).packets.map(asRead)).to.deep.equal(
      packets.map((packet) => asRead({ ...packet, originalLength: packet.bytes.length })),
    )
    needPeer(this, 'tshark')
    const theirs = runTshark(path, 0).packets
    expect(theirs.map((row) => row.time)).to.deep.equal(packets.map((packet) => packet.time))
    expect(theirs.map((row) => row.length)).to.deep.equal(packets.map((packet) => packet.bytes.length))
  })

  it('writes pcap as well, and tshark reads nanoseconds', async function () {
    const path = joinPath(folder, 'one.pcap')
    const file = await CaptureFile.create(path, new PcapWriter({ linkType: 147 }))
    await file.write([{ time: TIME, bytes: fromHex('1103'), originalLength: 8 }])
    await file.close()
    needPeer(this, 'tshark')
    const [row] = runTshark(path, 0).packets
    expect([row?.time, row?.length, row?.captured]).to.deep.equal([TIME, 8, 2])
  })
})
