import { join as joinPath } from 'node:path'
import { LINK_TYPE, PcapWriter, PcapngWriter } from '@gridseal/pcap'
import { Writer, fromHex } from '@gridseal/wire'
import { ROOT } from '../../../../test/support/requirements.ts'
import { Blocks, pcapHeader, pcapRecord } from './blocks.ts'
import type { Bytes } from './frames.ts'
import { PacketSequence, TcpScript, ethernet, ipv4, ipv6, ipv6Fragment, join, tcp, text, udp } from './frames.ts'

/** A capture of `fixtures/pcap`, described so that it can be made again. */
export interface Fixture {
  readonly name: string
  readonly shows: string
  readonly build: () => Bytes
}

export const FIXTURE_FOLDER: string = joinPath(ROOT, 'fixtures/pcap')

export const FIXTURES: readonly Fixture[] = [
  { name: 'modbus-poll.pcap', shows: 'a whole Modbus TCP connection of 100 polls', build: modbusPoll },
  {
    name: 'tcp-disorder.pcapng',
    shows: 'wrap, reordering, retransmission, overlap, keep-alive, loss',
    build: disorder,
  },
  { name: 'tcp-reuse.pcap', shows: 'reset, the same ports again, streams met in mid-life', build: reuse },
  {
    name: 'link-types.pcapng',
    shows: 'one datagram over each link type; VLAN, QinQ, GOOSE, Modbus RTU',
    build: linkTypes,
  },
  {
    name: 'fragments.pcapng',
    shows: 'IPv4 and IPv6 fragments in and out of order, doubled, incomplete',
    build: fragments,
  },
  { name: 'big-endian.pcap', shows: 'big-endian microseconds, two packets cut by the snap length', build: bigEndian },
  {
    name: 'sections.pcapng',
    shows: 'a section per byte order, time resolutions and offsets, all block types',
    build: sections,
  },
]

const read = (transaction: number): Bytes =>
  new Writer().u16be(transaction).bytes(fromHex('0000 0006 01 03 006b 0003')).finish()
const answer = (transaction: number): Bytes =>
  new Writer()
    .u16be(transaction)
    .bytes(fromHex('0000 0009 01 03 06'))
    .u16be(transaction)
    .bytes(fromHex('0000 0064'))
    .finish()

function modbusPoll(): Bytes {
  const script = new TcpScript()
  script.handshake()
  let sent = 1001
  let answered = 5001
  for (let transaction = 1; transaction <= 100; transaction++) {
    script.master(sent, answered, read(transaction), 'PA')
    sent += 12
    script.device(answered, sent, answer(transaction), 'PA')
    answered += 15
    script.master(sent, answered)
  }
  script.master(sent, answered, '', 'FA')
  script.device(answered, sent + 1, '', 'FA')
  script.master(sent + 1, answered + 1)
  return asPcap(script.sequence)
}

function disorder(): Bytes {
  const script = new TcpScript()
  script.handshake(0xffff_fff0, 0x7fff_fff0)
  const at = (offset: number): number => 0xffff_fff1 + offset
  const peer = 0x7fff_fff1
  script.master(at(0), peer, 'in order, ')
  script.master(at(0), peer, 'in order, ')
  script.master(at(15), peer, 'the wrap, ')
  script.master(at(10), peer, 'over ')
  script.device(peer, at(25), 'yes')
  script.master(at(20), peer + 3, 'wrap, overlapping, ')
  script.device(peer + 3, at(39))
  script.master(at(38), peer + 3, new Uint8Array(1))
  script.device(peer + 3, at(39))
  script.master(at(49), peer + 3, 'after a hole.')
  script.device(peer + 3, at(62), ' and yes')
  script.master(at(62), peer + 11, '', 'FA')
  script.device(peer + 11, at(63), '', 'FA')
  script.master(at(63), peer + 12)
  return asPcapng(script.sequence)
}

function reuse(): Bytes {
  const script = new TcpScript()
  script.handshake()
  script.master(1001, 5001, 'first')
  script.device(5001, 1006, '', 'RA')
  script.handshake(200_000, 300_000)
  script.master(200_001, 300_001, 'second')
  script.handshake(400_000, 500_000)
  script.master(400_001, 500_001, 'third')
  const other = new TcpScript(script.sequence, { ip: '10.0.0.3', port: 50_000 })
  other.device(9000, 7000, 'met in ')
  other.master(7000, 9007, 'mid-life')
  return asPcap(script.sequence)
}

function linkTypes(): Bytes {
  const writer = new PcapngWriter()
  let time = PacketSequence.START
  const add = (linkType: number, bytes: Uint8Array, name: string): void => {
    time += 1_000_001n
    writer.add({ time, bytes }, writer.addInterface({ linkType, name }))
  }
  const over4 = (what: string): Bytes => ipv4({ protocol: 17 }, udp(text(what)))
  const over6 = (what: string): Bytes => ipv6({ next: 17 }, udp(text(what)))
  const tag = (id: number, priority: number, next: number): Bytes =>
    new Writer()
      .u16be((priority << 13) | id)
      .u16be(next)
      .finish()
      .slice()
  const padded = (bytes: Uint8Array): Bytes => join(bytes, new Uint8Array(Math.max(0, 60 - bytes.length)))

  add(LINK_TYPE.ETHERNET, padded(ethernet(0x0800, over4('eth'))), 'padded to 60 bytes')
  add(LINK_TYPE.ETHERNET, ethernet(0x86dd, over6('ethernet, IPv6')), 'IPv6')
  add(LINK_TYPE.ETHERNET, ethernet(0x8100, join(tag(7, 4, 0x0800), over4('VLAN 7'))), '802.1Q')
  const double = join(tag(100, 0, 0x8100), tag(7, 4, 0x86dd), over6('QinQ'))
  add(LINK_TYPE.ETHERNET, ethernet(0x88a8, double), '802.1ad')
  const goose = fromHex('0001 0008 0000 0000')
  add(
    LINK_TYPE.ETHERNET,
    ethernet(0x8100, join(tag(5, 4, 0x88b8), goose), '02:00:00:00:00:09', '01:0c:cd:01:00:01'),
    'GOOSE',
  )
  const hsr = join(fromHex('0014 0001 88b8'), goose)
  add(LINK_TYPE.ETHERNET, ethernet(0x892f, hsr, '02:00:00:00:00:09', '01:0c:cd:01:00:01'), 'GOOSE in an HSR ring')
  add(LINK_TYPE.RAW, over4('raw IPv4'), 'raw')
  add(LINK_TYPE.RAW, over6('raw IPv6'), 'raw')
  add(LINK_TYPE.IPV4, over4('IPv4'), 'ipv4')
  add(LINK_TYPE.IPV6, over6('IPv6'), 'ipv6')
  add(LINK_TYPE.NULL, join(fromHex('02000000'), over4('null, little-endian')), 'lo0')
  add(LINK_TYPE.NULL, join(fromHex('0000001e'), over6('null, big-endian')), 'lo0')
  add(LINK_TYPE.LOOP, join(fromHex('00000018'), over6('loop')), 'lo0')
  add(LINK_TYPE.LINUX_SLL, join(fromHex('0000 0001 0006 020000000001 0000 0800'), over4('cooked')), 'any')
  add(
    LINK_TYPE.LINUX_SLL2,
    join(fromHex('86dd 0000 00000002 0001 00 06 020000000001 0000'), over6('cooked, v2')),
    'any',
  )
  add(LINK_TYPE.USER0, fromHex('11 03 006b 0003 7687'), 'ttyUSB0')
  return writer.take()
}

function fragments(): Bytes {
  const sequence = new PacketSequence()
  const over4 = udp(text('0123456789abcdefghijklmnopqrstuvwxyz'))
  const piece4 = (id: number, offset: number, end: number): Bytes =>
    ethernet(0x0800, ipv4({ protocol: 17, id, offset, more: end < over4.length }, over4.subarray(offset, end)))
  for (const [offset, end] of [
    [0, 16],
    [16, 32],
    [32, 44],
  ] as const)
    sequence.add(piece4(1, offset, end))
  for (const [offset, end] of [
    [32, 44],
    [16, 32],
    [16, 32],
    [0, 16],
  ] as const)
    sequence.add(piece4(2, offset, end))
  sequence.add(piece4(2, 0, 16))

  const over6 = udp(text('IPv6 cuts behind a header of its own'))
  const piece6 = (id: number, offset: number, end: number): Bytes =>
    ethernet(0x86dd, ipv6({ next: 44 }, ipv6Fragment(17, id, offset, end < over6.length, over6.subarray(offset, end))))
  sequence.add(piece6(0x8000_0001, 24, 44))
  sequence.add(piece6(0x8000_0001, 0, 24))
  sequence.add(ethernet(0x86dd, ipv6({ next: 44 }, ipv6Fragment(17, 9, 0, false, udp(text('atomic'))))))

  const segment = tcp({ sequence: 1, acknowledgement: 1, flags: 'PA' }, text('a TCP segment in two fragments'))
  const pieceTcp = (offset: number, end: number): Bytes =>
    ethernet(0x0800, ipv4({ protocol: 6, id: 4, offset, more: end < segment.length }, segment.subarray(offset, end)))
  sequence.add(pieceTcp(0, 24))
  sequence.add(pieceTcp(24, segment.length))
  sequence.add(piece4(3, 0, 16))
  return asPcapng(sequence)
}

function bigEndian(): Bytes {
  const script = new TcpScript()
  const whole = script.frame(true, { sequence: 1, acknowledgement: 1 }, text('a long line that the snap length cuts'))
  const next = script.frame(true, { sequence: 38, acknowledgement: 1 }, text('short'))
  const datagram = ethernet(0x0800, ipv4({ protocol: 17 }, udp(text('another long line'))))
  return join(
    pcapHeader(false, 0xa1b2c3d4, LINK_TYPE.ETHERNET, 60),
    pcapRecord(false, 1_767_225_600, 1, whole.subarray(0, 60), whole.length),
    pcapRecord(false, 1_767_225_600, 999_999, next.subarray(0, 60), next.length),
    pcapRecord(false, 1_767_225_601, 0, datagram.subarray(0, 50), datagram.length),
  )
}

function sections(): Bytes {
  const frame = (what: string): Bytes => ethernet(0x0800, ipv4({ protocol: 17 }, udp(text(what))))
  const big = new Blocks(false)
  const little = new Blocks(true)
  const seconds = 1_767_225_600n
  const offset = big.new().i64(1000n).finish()
  return join(
    big.section(),
    big.interface(LINK_TYPE.ETHERNET, 0, [[2, text('microseconds by default')]]),
    big.interface(LINK_TYPE.ETHERNET, 0, [
      [9, new Uint8Array([0x80 | 10])],
      [14, offset],
    ]),
    big.block(4, big.new().u16(1, 8).bytes(fromHex('0a000001 6d746100')).u16(0, 0).finish()),
    big.enhanced(0, seconds * 1_000_000n + 1n, frame('big-endian')),
    big.enhanced(1, (seconds - 1000n) * 1024n + 512n, frame('half a second, 2^-10 and an offset')),
    big.packet(0, seconds * 1_000_000n + 2n, frame('obsolete block')),
    big.block(5, big.new().u32(0, 0, 0).finish()),
    little.section(),
    little.interface(LINK_TYPE.RAW, 64, [[9, new Uint8Array([9])]]),
    little.block(0xbad, little.new().u32(32_473).bytes(text('a custom block')).finish()),
    little.block(0x4000_0bad, little.new().u32(32_473).bytes(text('not to be copied')).finish()),
    little.block(9, text('__REALTIME_TIMESTAMP=1767225600000000\n')),
    little.simple(ipv4({ protocol: 17 }, udp(text('no time'))), 35),
    little.enhanced(0, seconds * 1_000_000_000n + 123_456_789n, ipv4({ protocol: 17 }, udp(text('nanoseconds')))),
    little.block(0x0b0b_0b0b, text('a block of the future')),
  )
}

function asPcap(sequence: PacketSequence): Bytes {
  const writer = new PcapWriter({ linkType: LINK_TYPE.ETHERNET })
  for (const packet of sequence.packets) writer.add(packet)
  return writer.take()
}

function asPcapng(sequence: PacketSequence): Bytes {
  const writer = new PcapngWriter()
  for (const packet of sequence.packets) writer.add(packet)
  return writer.take()
}
