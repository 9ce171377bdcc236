import { expect } from 'chai'
import { CaptureWalker, LINK_TYPE, Packet } from '@gridseal/pcap'
import { Writer, fromHex } from '@gridseal/wire'
import { describeEvents, walk } from '../support/describe-event.ts'
import { PacketSequence, ethernet, ipv4, ipv6, join, text, udp } from '../support/frames.ts'

const over4 = ipv4({ protocol: 17 }, udp(text('four')))
const over6 = ipv6({ next: 17 }, udp(text('six')))
const FOUR = "1 datagram 10.0.0.1:40000 -> 10.0.0.2:20000 'four'"
const SIX = "1 datagram [2001:db8::1]:40000 -> [2001:db8::2]:20000 'six'"

function one(bytes: Uint8Array, linkType: number = LINK_TYPE.ETHERNET, originalLength = bytes.length): string[] {
  const sequence = new PacketSequence()
  sequence.add(bytes, linkType, originalLength)
  return describeEvents(walk(sequence.packets))
}

const tag = (control: number, next: number): Uint8Array => new Writer().u16be(control).u16be(next).finish()

describe('the link layer', () => {
  describe('Ethernet', () => {
    it('strips padding by the length of IP', () => {
      expect(one(join(ethernet(0x0800, over4), new Uint8Array(14)))).to.deep.equal([FOUR])
    })

    for (const protocol of [0x8100, 0x88a8, 0x9100, 0x9200]) {
      it(`walks through a VLAN tag 0x${protocol.toString(16)}`, () => {
        expect(one(ethernet(protocol, join(tag(0x6005, 0x86dd), over6)))).to.deep.equal([SIX])
      })
    }

    it('tells the tags of a frame without IP, outermost first, with priority and without the drop flag', () => {
      const frame = ethernet(0x88a8, join(tag(0x7fff, 0x8100), tag(0x8001, 0x88b8), fromHex('0001')))
      expect(one(frame)).to.deep.equal([
        '1 ethernet 88b8 02:00:00:00:00:01 -> 02:00:00:00:00:02 88a8:4095/3 8100:1/4 0001',
      ])
    })

    it('walks through at most eight tags', () => {
      const tags = Array.from({ length: 9 }, () => tag(1, 0x8100))
      expect(one(ethernet(0x8100, join(...tags)))[0]).to.match(/^1 ethernet 8100 .*( 8100:1\/0){8} /)
    })

    it('limits an IEEE 802.3 frame to its length field', () => {
      expect(one(join(ethernet(5, fromHex('fefe030001')), new Uint8Array(41)))).to.deep.equal([
        '1 ethernet 0005 02:00:00:00:00:01 -> 02:00:00:00:00:02 fefe030001',
      ])
    })

    it('reads the EtherType behind a SNAP header (RFC 1042)', () => {
      const snap = join(fromHex('aaaa03 000000 0800'), over4)
      expect(one(ethernet(snap.length, snap))).to.deep.equal([FOUR])
    })

    it('reads the EtherType behind an HSR tag (IEC 62439-3)', () => {
      expect(one(ethernet(0x892f, join(fromHex('0014 0001 0800'), over4)))).to.deep.equal([FOUR])
    })

    it('says how much of a frame the snap length cut off', () => {
      expect(one(ethernet(0x88ba, fromHex('40000040')), LINK_TYPE.ETHERNET, 60)).to.deep.equal([
        '1 ethernet 88ba 02:00:00:00:00:01 -> 02:00:00:00:00:02 40000040 (42 missing)',
      ])
    })

    it('reports headers that are cut off', () => {
      expect(one(new Uint8Array(13))).to.deep.equal(['1 problem pcap.ethernet.truncated at 0: needs 14 bytes, has 13'])
      expect(one(ethernet(0x8100, new Uint8Array(3)))).to.deep.equal([
        '1 problem pcap.vlan.truncated at 14: needs 4 bytes, has 3',
      ])
      expect(one(ethernet(0x892f, new Uint8Array(5)))).to.deep.equal([
        '1 problem pcap.hsr.truncated at 14: needs 6 bytes, has 5',
      ])
    })
  })

  describe('others', () => {
    it('takes raw IP by its version nibble (DLT 12, 14, 101) or by its link type (228, 229)', () => {
      for (const linkType of [12, 14, 101, 228]) expect(one(over4, linkType)).to.deep.equal([FOUR])
      for (const linkType of [12, 14, 101, 229]) expect(one(over6, linkType)).to.deep.equal([SIX])
      expect(one(fromHex('50'), 101)).to.deep.equal(['1 problem pcap.ip.version at 0: IP version 5'])
      expect(one(over6, 228)[0]).to.match(/pcap.ipv4.version at 0/)
    })

    it('takes the family of NULL and LOOP in either byte order, and each number of IPv6', () => {
      for (const header of ['00000002', '02000000']) {
        for (const linkType of [0, 108]) expect(one(join(fromHex(header), over4), linkType)).to.deep.equal([FOUR])
      }
      for (const family of ['0a', '17', '18', '1c', '1e']) {
        expect(one(join(fromHex(`${family}000000`), over6), 0)).to.deep.equal([SIX])
        expect(one(join(fromHex(`000000${family}`), over6), 0)).to.deep.equal([SIX])
      }
    })

    it('takes the protocol of Linux cooked captures, and their one address', () => {
      const sll = fromHex('0000 0001 0006 0200000000010000 88b8')
      expect(one(join(sll, fromHex('0001')), 113)).to.deep.equal(['1 ethernet 88b8 02:00:00:00:00:01 -> - 0001'])
      const sll2 = fromHex('88b8 0000 00000002 0001 00 06 0200000000010000')
      expect(one(join(sll2, fromHex('0001')), 276)).to.deep.equal(['1 ethernet 88b8 02:00:00:00:00:01 -> - 0001'])
      const llc = fromHex('0000 0001 0000 0000000000000000 0004')
      expect(one(join(llc, fromHex('fefe03')), 113)).to.deep.equal(['1 ethernet 0003 - -> - fefe03'])
      const tagged = join(fromHex('0000 0001 0006 0200000000010000 8100'), tag(7, 0x0800), over4)
      expect(one(tagged, 113)).to.deep.equal([FOUR])
    })

    it('gives packets of USER0 to USER15 whole', () => {
      for (const linkType of [147, 162]) {
        expect(one(fromHex('1103'), linkType, 8)).to.deep.equal([`1 user ${linkType} 1103 (6 missing)`])
      }
    })

    it('says once that it does not know a link type, and counts its packets', () => {
      const walker = new CaptureWalker()
      const packet = (number: number, linkType: number): Packet =>
        Packet.of({ number, linkType, time: 0n, bytes: new Uint8Array(40) })
      const events = walker.pushAll([packet(1, 195), packet(2, 195), packet(3, 105), packet(4, 195)])
      expect(describeEvents(events).map((line) => line.split(' at')[0])).to.deep.equal([
        '1 problem pcap.link-type.unknown',
        '3 problem pcap.link-type.unknown',
      ])
      expect(walker.counters).to.include({ packets: 4, unknown: 4 })
    })
  })
})
