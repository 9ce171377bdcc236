import { expect } from 'chai'
import { CaptureWalker, LINK_TYPE } from '@gridseal/pcap'
import { UsageError, Writer, fromHex } from '@gridseal/wire'
import { formatIpv6 } from '#src/walk/endpoint.ts'
import { describeEvents, walk } from '../support/describe-event.ts'
import { PacketSequence, ipv4, ipv6, join, tcp, text, udp } from '../support/frames.ts'

function one(bytes: Uint8Array, originalLength = bytes.length): string[] {
  const sequence = new PacketSequence()
  sequence.add(bytes, LINK_TYPE.RAW, originalLength)
  return describeEvents(walk(sequence.packets))
}

const FOUR = '1 datagram 10.0.0.1:40000 -> 10.0.0.2:20000'

describe('IPv4', () => {
  it('steps over options', () => {
    expect(one(ipv4({ protocol: 17, options: fromHex('94040000') }, udp(text('x'))))).to.deep.equal([`${FOUR} 'x'`])
  })

  it('takes a total length of 0, left by segmentation offload, for the whole packet', () => {
    expect(one(ipv4({ protocol: 17, totalLength: 0 }, udp(text('offload'))))).to.deep.equal([`${FOUR} 'offload'`])
  })

  it('reports a total length beyond the packet and takes the packet as it is', () => {
    expect(one(ipv4({ protocol: 17, totalLength: 100 }, udp(text('x'))))).to.deep.equal([
      '1 problem pcap.ipv4.length at 0: length claims 71 bytes more than the packet had',
      `${FOUR} 'x'`,
    ])
  })

  it('does not report a packet cut by the snap length', () => {
    const packet = ipv4({ protocol: 17 }, udp(text('a long text')))
    expect(one(packet.subarray(0, 34), packet.length)).to.deep.equal([`${FOUR} 'a long' (5 missing)`])
  })

  for (const [what, packet, problem] of [
    ['a header that is cut off', ipv4({ protocol: 17 }, udp(text('x'))).subarray(0, 19), 'pcap.ipv4.truncated at 0'],
    [
      'options that are cut off',
      join(fromHex('46'), ipv4({ protocol: 17 }, new Uint8Array(0)).subarray(1)),
      'pcap.ipv4.length at 2',
    ],
    [
      'a header length below five words',
      join(fromHex('44'), ipv4({ protocol: 17 }, udp(text('x'))).subarray(1)),
      'pcap.ipv4.header-length at 0',
    ],
    [
      'a total length below the header',
      ipv4({ protocol: 17, totalLength: 19 }, udp(text('x'))),
      'pcap.ipv4.length at 2',
    ],
  ] as const) {
    it(`reports ${what}`, () => {
      expect(one(packet)).to.have.length(1)
      expect(one(packet)[0]).to.include(`1 problem ${problem}`)
    })
  }

  it('counts packets that carry neither TCP nor UDP', () => {
    const sequence = new PacketSequence()
    sequence.add(ipv4({ protocol: 1 }, fromHex('0800')), LINK_TYPE.RAW)
    const walker = new CaptureWalker()
    expect(walker.pushAll(sequence.packets)).to.deep.equal([])
    expect(walker.counters).to.include({ packets: 1, otherIp: 1 })
  })
})

describe('IPv6', () => {
  const SIX = '1 datagram [2001:db8::1]:40000 -> [2001:db8::2]:20000'
  const header = (next: number, rest: string): Uint8Array => join(new Uint8Array([next]), fromHex(rest))

  it('steps over extension headers of every length rule (RFC 8200 4, RFC 4302)', () => {
    const chain = join(
      header(43, '01' + '00'.repeat(14)),
      header(60, '00' + '00'.repeat(6)),
      header(51, '00' + '00'.repeat(6)),
      header(135, '04' + '00'.repeat(22)),
      header(17, '00' + '00'.repeat(6)),
      udp(text('x')),
    )
    expect(one(ipv6({ next: 0 }, chain))).to.deep.equal([`${SIX} 'x'`])
  })

  it('takes a payload length of 0 for the whole packet', () => {
    expect(one(ipv6({ next: 17, payloadLength: 0 }, udp(text('jumbo'))))).to.deep.equal([`${SIX} 'jumbo'`])
  })

  it('reports headers that are cut off', () => {
    expect(one(ipv6({ next: 17 }, new Uint8Array(0)).subarray(0, 39))[0]).to.include('pcap.ipv6.truncated at 0')
    expect(one(ipv6({ next: 0 }, fromHex('11ff000000000000')))[0]).to.include('pcap.ipv6.truncated at 40')
    expect(one(ipv6({ next: 0 }, fromHex('1100')))[0]).to.include('pcap.ipv6.truncated at 40')
  })

  it('writes addresses as RFC 5952 wants them', () => {
    const format = (hex: string): string => {
      const view = new DataView(fromHex(hex).buffer)
      return formatIpv6(Int32Array.from([0, 4, 8, 12], (at) => view.getInt32(at)))
    }
    for (const [hex, address] of [
      ['2001 0db8 0000 0000 0001 0000 0000 0001', '2001:db8::1:0:0:1'],
      ['2001 0db8 0000 0001 0001 0001 0001 0001', '2001:db8:0:1:1:1:1:1'],
      ['2001 0000 0000 0001 0000 0000 0000 0001', '2001:0:0:1::1'],
      ['0000 0000 0000 0000 0000 0000 0000 0000', '::'],
      ['0000 0000 0000 0000 0000 0000 0000 0001', '::1'],
      ['fe80 0000 0000 0000 0000 0000 0000 0000', 'fe80::'],
      ['ABCD ef01 2345 6789 abcd ef01 2345 6789', 'abcd:ef01:2345:6789:abcd:ef01:2345:6789'],
    ] as const) {
      expect(format(hex)).to.equal(address)
    }
  })
})

describe('UDP', () => {
  it('takes what its length says, and 0 for the rest of the packet', () => {
    expect(one(ipv4({ protocol: 17 }, udp(text('abcdef'), 1, 2, 11)))).to.deep.equal([
      "1 datagram 10.0.0.1:1 -> 10.0.0.2:2 'abc'",
    ])
    expect(one(ipv4({ protocol: 17 }, udp(text('abcdef'), 1, 2, 0)))).to.deep.equal([
      "1 datagram 10.0.0.1:1 -> 10.0.0.2:2 'abcdef'",
    ])
  })

  it('reports lengths that cannot be', () => {
    for (const length of [7, 15]) {
      expect(one(ipv4({ protocol: 17 }, udp(text('abcdef'), 1, 2, length)))).to.deep.equal([
        `1 problem pcap.udp.length at 24: length ${length} in an IP payload of 14 bytes`,
      ])
    }
    expect(one(ipv4({ protocol: 17 }, new Uint8Array(7)))[0]).to.include('pcap.udp.truncated at 20')
  })

  it('names the endpoints of an answer the other way round', () => {
    const sequence = new PacketSequence()
    sequence.add(ipv4({ protocol: 17 }, udp(text('ask'), 1, 2)), LINK_TYPE.RAW)
    sequence.add(ipv4({ protocol: 17, from: '10.0.0.2', to: '10.0.0.1' }, udp(text('tell'), 2, 1)), LINK_TYPE.RAW)
    const [ask, tell] = walk(sequence.packets)
    if (ask?.kind !== 'datagram' || tell?.kind !== 'datagram') throw new UsageError('test', 'two datagrams expected')
    expect([ask.source.text, ask.destination.text]).to.deep.equal(['10.0.0.1:1', '10.0.0.2:2'])
    expect(tell.source).to.deep.equal(ask.destination)
    expect(tell.destination).to.deep.equal(ask.source)
  })
})

describe('TCP headers', () => {
  it('steps over options', () => {
    const segment = tcp({ sequence: 1, options: fromHex('0101080a0000000100000002') }, text('x'))
    expect(one(ipv4({ protocol: 6 }, segment))[1]).to.equal("1 stream-data 0 > 'x'")
  })

  it('reports headers that are cut off or impossible', () => {
    const segment = tcp({ sequence: 1 }, text('x'))
    expect(one(ipv4({ protocol: 6 }, segment.subarray(0, 19)))[0]).to.include('pcap.tcp.truncated at 20')
    segment[12] = 0x40
    expect(one(ipv4({ protocol: 6 }, segment))[0]).to.include('pcap.tcp.header-length at 32')
    segment[12] = 0xf0
    expect(one(ipv4({ protocol: 6 }, segment))[0]).to.include('pcap.tcp.truncated at 20')
  })
})

describe('the options of a walk', () => {
  it('must be known', () => {
    expect(() => new CaptureWalker({ maxStream: 5 } as never)).to.throw(UsageError, /unknown option maxStream/)
  })

  it('must be positive integers', () => {
    for (const value of [0, -1, 2.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => new CaptureWalker({ maxStreams: value }))
        .to.throw(UsageError)
        .with.property('code', 'pcap.walk.option')
    }
  })

  it('include a hash seed that changes nothing but the hash', () => {
    const sequence = new PacketSequence()
    for (let port = 1; port < 300; port++) {
      sequence.add(ipv4({ protocol: 17 }, udp(new Writer().u16be(port).finish(), port)), LINK_TYPE.RAW)
    }
    const expected = describeEvents(walk(sequence.packets, { hashSeed: 1 }))
    for (const hashSeed of [0, 2, 0x7fff_ffff]) {
      expect(describeEvents(walk(sequence.packets, { hashSeed }))).to.deep.equal(expected)
    }
  })
})
