import { expect } from 'chai'
import { crc32c, toHex } from '@gridseal/wire'
import { AddressTokens, TOKEN_LENGTH, TOKEN_LIFE } from '#src/datagram/address-token.ts'
import { AckRanges } from '#src/datagram/ack-ranges.ts'
import { decodeDatagramContent, encodeAck, encodeProbe, encodeSegment } from '#src/datagram/content.ts'
import { MIN_FRAGMENT, Reassembly, fragmentsOf } from '#src/datagram/fragments.ts'
import { decodePlain, encodeFragment, encodePlainAlert, encodeRetry } from '#src/datagram/packet.ts'
import fc from 'fast-check'
import { codeOf } from '../support/code-of.ts'

const FRAGMENT = {
  receiver: 0x01020304,
  sender: 0x05060708,
  number: 2,
  total: 0x0a0b,
  offset: 0x0102,
  token: Uint8Array.of(0xee, 0xff),
  bytes: Uint8Array.of(1, 2, 3),
}

describe('channel over datagrams: packets', () => {
  it('a handshake fragment is 21 || receiver || sender || number || total || offset || token || bytes || CRC-32C', () => {
    const packet = encodeFragment(FRAGMENT)
    expect(toHex(packet)).to.equal('210102030405060708020a0b010202eeff010203' + toHex(packet.subarray(-4)))
    expect(decodePlain(packet)).to.deep.equal({ kind: 'fragment', ...FRAGMENT })
  })

  it('a retry is 20 || receiver || token || CRC-32C, an alert 23 || receiver || sender || code || CRC-32C', () => {
    const retry = encodeRetry(7, Uint8Array.of(9, 9))
    expect(toHex(retry).slice(0, -8)).to.equal('20000000070909')
    expect(decodePlain(retry)).to.deep.equal({ kind: 'retry', receiver: 7, token: Uint8Array.of(9, 9) })
    const alert = encodePlainAlert(7, 8, 1)
    expect(toHex(alert).slice(0, -8)).to.equal('23000000070000000801')
    expect(decodePlain(alert)).to.deep.equal({ kind: 'alert', receiver: 7, sender: 8, code: 1 })
  })

  it('of which a byte was changed or cut off are noise', () => {
    for (const packet of [encodeFragment(FRAGMENT), encodeRetry(7, FRAGMENT.bytes), encodePlainAlert(7, 8, 1)]) {
      for (let at = 0; at < packet.length; at++) {
        const changed = packet.slice()
        changed[at]! ^= 0x40
        expect(codeOf(() => decodePlain(changed))).to.equal('channel.packet.crc')
        expect(codeOf(() => decodePlain(packet.subarray(0, at)))).to.equal('channel.packet.crc')
      }
    }
  })

  it('of another type, without a token or with something behind the alert are refused', () => {
    const again = (packet: Uint8Array, change: (body: Uint8Array) => Uint8Array): Uint8Array => {
      const body = change(packet.slice(0, -4))
      // A retry around the body brings the CRC that fits.
      const whole = encodeRetry(0, body.subarray(5))
      whole.set(body.subarray(0, 5))
      return withCrc(whole)
    }
    const alert = encodePlainAlert(7, 8, 1)
    expect(codeOf(() => decodePlain(again(alert, (body) => body.fill(0x24, 0, 1))))).to.equal('channel.packet.type')
    expect(codeOf(() => decodePlain(again(alert, (body) => Uint8Array.of(...body, 0))))).to.equal('decode.trailing')
    expect(codeOf(() => decodePlain(encodeRetry(7, new Uint8Array(0))))).to.equal('channel.packet.token')
  })
})

/** The packet with the check sum that fits it. */
function withCrc(packet: Uint8Array): Uint8Array {
  new DataView(packet.buffer).setUint32(packet.length - 4, crc32c(packet, 0, packet.length - 4))
  return packet
}

describe('channel over datagrams: address tokens', () => {
  const tokens = new AddressTokens()
  const token = tokens.mint('udp://10.0.0.1:1000', 77, 1000)

  it('are good for the address and the connection they were made for, for 30 s', () => {
    expect(token.length).to.equal(TOKEN_LENGTH)
    expect(tokens.good(token, 'udp://10.0.0.1:1000', 77, 1000)).to.equal(true)
    expect(tokens.good(token, 'udp://10.0.0.1:1000', 77, 1000 + TOKEN_LIFE)).to.equal(true)
    expect(tokens.good(token, 'udp://10.0.0.1:1000', 77, 1001 + TOKEN_LIFE)).to.equal(false)
  })

  it('are worthless elsewhere, from the future, changed, cut, or made by somebody else', () => {
    expect(tokens.good(token, 'udp://10.0.0.1:1001', 77, 1000), 'address').to.equal(false)
    expect(tokens.good(token, 'udp://10.0.0.1:1000', 78, 1000), 'connection').to.equal(false)
    expect(tokens.good(token, 'udp://10.0.0.1:1000', 77, 998), 'future').to.equal(false)
    expect(new AddressTokens().good(token, 'udp://10.0.0.1:1000', 77, 1000), 'other').to.equal(false)
    for (let at = 0; at < token.length; at++) {
      const changed = token.slice()
      changed[at]! ^= 1
      expect(tokens.good(changed, 'udp://10.0.0.1:1000', 77, 1000)).to.equal(false)
      expect(tokens.good(token.subarray(0, at), 'udp://10.0.0.1:1000', 77, 1000)).to.equal(false)
    }
  })

  it('outlive one change of the secret', () => {
    const late = tokens.mint('udp://10.0.0.1:1000', 77, 119_999)
    expect(tokens.good(late, 'udp://10.0.0.1:1000', 77, 121_000)).to.equal(true)
  })
})

describe('channel over datagrams: reassembly', () => {
  const message = Uint8Array.from({ length: 1000 }, (_, n) => n)
  const pieces = fragmentsOf(message, 300)

  it('takes fragments in any order, doubled ones too', () => {
    const gathering = new Reassembly(8197)
    const outcomes = [3, 1, 1, 0, 2].map((n) => gathering.add(1000, pieces[n]!.offset, pieces[n]!.bytes))
    expect(outcomes).to.deep.equal(['partial', 'partial', 'duplicate', 'partial', 'complete'])
    expect(gathering.message).to.deep.equal(message)
  })

  it('refuses overlaps, another total, more than the limit, pieces beyond the end, and crumbs', () => {
    const gathering = new Reassembly(8197)
    gathering.add(1000, 300, pieces[1]!.bytes)
    const bytes = new Uint8Array(300)
    expect(gathering.add(1000, 200, bytes), 'overlap below').to.equal('refused')
    expect(gathering.add(1000, 500, bytes), 'overlap above').to.equal('refused')
    expect(gathering.add(1000, 300, bytes.subarray(0, 200)), 'overlap within').to.equal('refused')
    expect(gathering.add(999, 600, bytes), 'total').to.equal('refused')
    expect(gathering.add(1000, 900, bytes), 'end').to.equal('refused')
    expect(gathering.add(1000, 600, bytes.subarray(0, MIN_FRAGMENT - 1)), 'crumb').to.equal('refused')
    expect(gathering.add(1000, 600, bytes.subarray(0, 0)), 'nothing').to.equal('refused')
    expect(new Reassembly(8197).add(8198, 0, bytes), 'limit').to.equal('refused')
    expect(gathering.complete).to.equal(false)
  })
})

describe('channel over datagrams: acks', () => {
  it('tell all that came, in any order, newest first', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { minLength: 1 }), (sequences) => {
        const ranges = new AckRanges()
        for (const sequence of sequences) ranges.add(sequence)
        for (const sequence of sequences) ranges.add(sequence)
        const ack = decodeDatagramContent(encodeAck({ limit: 5, ranges: ranges.ranges }, 1000))
        if (ack.kind !== 'ack') throw new Error(ack.kind)
        const told = ack.ranges.flatMap(({ low, high }) => Array.from({ length: high - low + 1 }, (_, n) => high - n))
        expect(told).to.deep.equal(sequences.toSorted((a, b) => b - a))
      }),
    )
  })

  it('remember the newest 32 ranges, and tell as many as there is room for', () => {
    const ranges = new AckRanges()
    for (let sequence = 0; sequence < 200; sequence += 2) ranges.add(sequence)
    expect(ranges.ranges.length).to.equal(32)
    const ack = decodeDatagramContent(encodeAck({ limit: 5, ranges: ranges.ranges }, 40))
    expect(ack).to.deep.include({ kind: 'ack', limit: 5 })
    expect(ack.kind === 'ack' && ack.ranges.map(({ high }) => high)).to.deep.equal([198, 196, 194, 192, 190, 188, 186])
  })

  it('and the other contents are read as they were written, at every length or not at all', () => {
    const segment = { stream: 1, offset: 0x0102_0304_0506, bytes: Uint8Array.of(7) }
    expect(toHex(encodeSegment(segment))).to.equal('200101020304050607')
    expect(decodeDatagramContent(encodeSegment(segment))).to.deep.equal({ kind: 'segment', ...segment })
    const value = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
    expect(decodeDatagramContent(encodeProbe('challenge', value))).to.deep.equal({ kind: 'challenge', value })
    for (const content of [
      encodeProbe('response', value),
      encodeAck({ limit: 1, ranges: [{ low: 0, high: 3 }] }, 99),
    ]) {
      for (let length = 0; length < content.length; length++) {
        expect(codeOf(() => decodeDatagramContent(content.subarray(0, length)))).to.match(/^(decode|channel)\./)
      }
      expect(codeOf(() => decodeDatagramContent(Uint8Array.of(...content, 0)))).to.equal('decode.trailing')
    }
  })

  it('of records below 0, segments of unknown streams, and contents that belong in a stream are refused', () => {
    const ack = encodeAck({ limit: 1, ranges: [{ low: 0, high: 3 }] }, 99)
    ack[14] = 4
    expect(codeOf(() => decodeDatagramContent(ack))).to.equal('channel.content')
    expect(codeOf(() => decodeDatagramContent(Uint8Array.of(0x20, 2, 0, 0, 0, 0, 0, 0, 1)))).to.equal('channel.content')
    for (const kind of [0x11, 0x17]) {
      expect(codeOf(() => decodeDatagramContent(Uint8Array.of(kind)))).to.equal('channel.content')
    }
  })
})
