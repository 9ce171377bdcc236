import { expect } from 'chai'
import type { WalkOptions } from '@gridseal/pcap'
import { TcpScript } from '../support/frames.ts'
import { describeEvents, walk } from '../support/describe-event.ts'

/** The events of a script, without the opening and closing lines that every stream has. */
function data(script: TcpScript, options: WalkOptions = {}): string[] {
  return all(script, options).filter((line) => !/stream-(open|close)/.test(line))
}

function all(script: TcpScript, options: WalkOptions = {}): string[] {
  return describeEvents(walk(script.sequence.packets, options))
}

describe('TCP reassembly', () => {
  describe('data in order', () => {
    it('opens at SYN, delivers both directions and closes when both sides have sent FIN', () => {
      const script = new TcpScript()
      script.handshake()
      script.master(1001, 5001, 'read')
      script.device(5001, 1005, 'value')
      script.master(1005, 5006, '', 'FA')
      script.device(5006, 1006, 'bye', 'FA')
      script.master(1006, 5010)
      expect(all(script)).to.deep.equal([
        '1 stream-open 0 10.0.0.1:49152 -> 10.0.0.2:502',
        "4 stream-data 0 > 'read'",
        "5 stream-data 0 < 'value'",
        "7 stream-data 0 < 'bye'",
        '7 stream-close 0 fin',
      ])
    })

    it('delivers the data of a SYN (TCP Fast Open)', () => {
      const script = new TcpScript()
      script.master(1000, 0, 'early', 'S')
      script.device(5000, 1006, '', 'SA')
      script.master(1006, 5001, ' bird')
      expect(data(script)).to.deep.equal(["1 stream-data 0 > 'early'", "3 stream-data 0 > ' bird'"])
    })

    it('follows sequence numbers over the wrap at 2^32', () => {
      const script = new TcpScript()
      script.handshake(0xffff_fffc, 0x7fff_fffd)
      script.master(0xffff_fffd, 0x7fff_fffe, 'abcdef')
      script.device(0x7fff_fffe, 3, 'uvwxyz')
      script.device(0x8000_0004, 3, '!')
      script.master(3, 0x8000_0005, 'g')
      expect(data(script)).to.deep.equal([
        "4 stream-data 0 > 'abcdef'",
        "5 stream-data 0 < 'uvwxyz'",
        "6 stream-data 0 < '!'",
        "7 stream-data 0 > 'g'",
      ])
    })
  })

  describe('data sent again', () => {
    it('ignores a retransmission', () => {
      const script = new TcpScript()
      script.handshake()
      script.master(1001, 5001, 'abc')
      script.master(1001, 5001, 'abc')
      script.master(1004, 5001, 'def')
      expect(data(script)).to.deep.equal(["4 stream-data 0 > 'abc'", "6 stream-data 0 > 'def'"])
    })

    it('delivers only what is new of a segment that repeats and goes on', () => {
      const script = new TcpScript()
      script.handshake()
      script.master(1001, 5001, 'abc')
      script.master(1002, 5001, 'bcdef')
      expect(data(script)).to.deep.equal(["4 stream-data 0 > 'abc'", "5 stream-data 0 > 'def'"])
    })

    it('ignores keep-alive probes, with and without their octet of garbage (RFC 1122 4.2.3.6)', () => {
      const script = new TcpScript()
      script.handshake()
      script.master(1001, 5001, 'abc')
      script.device(5001, 1004)
      script.master(1003, 5001, new Uint8Array(1))
      script.master(1003, 5001)
      script.master(1004, 5001, 'def')
      expect(data(script)).to.deep.equal(["4 stream-data 0 > 'abc'", "8 stream-data 0 > 'def'"])
    })

    it('takes both copies of a loopback capture for one', () => {
      const script = new TcpScript()
      for (let copy = 0; copy < 2; copy++) script.master(1000, 0, '', 'S')
      for (let copy = 0; copy < 2; copy++) script.device(5000, 1001, '', 'SA')
      for (let copy = 0; copy < 2; copy++) script.master(1001, 5001, 'abc', 'FA')
      for (let copy = 0; copy < 2; copy++) script.device(5001, 1005, 'xyz', 'FA')
      for (let copy = 0; copy < 2; copy++) script.master(1005, 5005)
      expect(all(script)).to.deep.equal([
        '1 stream-open 0 10.0.0.1:49152 -> 10.0.0.2:502',
        "5 stream-data 0 > 'abc'",
        "7 stream-data 0 < 'xyz'",
        '7 stream-close 0 fin',
      ])
    })
  })

  describe('data out of order', () => {
    it('holds it until the gap is filled, and names both the filling and the carrying packet', () => {
      const script = new TcpScript()
      script.handshake()
      script.master(1004, 5001, 'def')
      script.master(1007, 5001, 'ghi')
      script.master(1001, 5001, 'abc')
      expect(data(script)).to.deep.equal([
        "6 stream-data 0 > 'abc'",
        "6 stream-data 0 > 'def' (carried by 4)",
        "6 stream-data 0 > 'ghi' (carried by 5)",
      ])
    })

    it('delivers each byte once where held segments overlap: what came first wins', () => {
      const script = new TcpScript()
      script.handshake()
      script.master(1005, 5001, 'EFGH')
      script.master(1003, 5001, 'cdef')
      script.master(1003, 5001, 'cd')
      script.master(1001, 5001, 'abc')
      expect(data(script)).to.deep.equal([
        "7 stream-data 0 > 'ab'",
        "7 stream-data 0 > 'cd' (carried by 5)",
        "7 stream-data 0 > 'EFGH' (carried by 4)",
      ])
    })

    it('ends a direction only when everything before its FIN is there', () => {
      const script = new TcpScript()
      script.handshake()
      script.device(5001, 1001, '', 'FA')
      script.master(1004, 5002, '', 'FA')
      script.master(1001, 5002, 'abc')
      expect(all(script).slice(1)).to.deep.equal(["6 stream-data 0 > 'abc'", '6 stream-close 0 fin'])
    })
  })

  describe('data that the capture lacks', () => {
    it('reports a gap at once when the hole was acknowledged before', () => {
      const script = new TcpScript()
      script.handshake()
      script.device(5001, 1011, 'answer to a request that was not captured')
      script.master(1011, 5042, 'next')
      expect(data(script).slice(1)).to.deep.equal(['5 stream-gap 0 > 10 missing', "5 stream-data 0 > 'next'"])
    })

    it('reports a gap when the receiver acknowledges data behind the hole', () => {
      const script = new TcpScript()
      script.handshake()
      script.master(1011, 5001, 'next')
      script.device(5001, 1001)
      script.device(5001, 1015, 'answer')
      expect(data(script)).to.deep.equal([
        '6 stream-gap 0 > 10 missing',
        "6 stream-data 0 > 'next' (carried by 4)",
        "6 stream-data 0 < 'answer'",
      ])
    })

    it('does not take the acknowledgement of data before the hole for one of the hole', () => {
      const script = new TcpScript()
      script.handshake()
      script.master(1011, 5001, 'next')
      script.device(5001, 1010)
      script.master(1001, 5001, '0123456789')
      expect(data(script)).to.deep.equal(["6 stream-data 0 > '0123456789'", "6 stream-data 0 > 'next' (carried by 4)"])
    })

    it('gives up a hole after maxHoldSeconds of capture time', () => {
      const script = new TcpScript()
      script.handshake()
      script.master(1011, 5001, 'next')
      script.sequence.delay = 31_000_000_000n
      script.master(1015, 5001, '!')
      expect(data(script)).to.deep.equal([
        '5 stream-gap 0 > 10 missing',
        "5 stream-data 0 > 'next' (carried by 4)",
        "5 stream-data 0 > '!'",
      ])
    })

    it('gives up a hole when one direction holds more than maxHeldPerDirection', () => {
      const script = new TcpScript()
      script.handshake()
      script.master(1011, 5001, 'x'.repeat(40))
      script.master(1051, 5001, 'y'.repeat(40))
      expect(data(script, { maxHeldPerDirection: 1000 })).to.deep.equal([
        '5 stream-gap 0 > 10 missing',
        `5 stream-data 0 > '${'x'.repeat(40)}' (carried by 4)`,
        `5 stream-data 0 > '${'y'.repeat(40)}'`,
      ])
    })

    it('gives up a hole when all streams together hold more than maxHeld', () => {
      const one = new TcpScript()
      one.handshake()
      one.master(1011, 5001, 'held')
      const other = new TcpScript(one.sequence, { ip: '10.0.0.3', port: 50_000 })
      other.handshake()
      other.master(1002, 5001, 'one too many')
      expect(data(one, { maxHeld: 1000 })).to.deep.equal([
        '8 stream-gap 1 > 1 missing',
        "8 stream-data 1 > 'one too many'",
        'end stream-gap 0 > 10 missing',
        "4 stream-data 0 > 'held'",
      ])
    })

    it('delivers what is held, with its gaps, at the end of the capture', () => {
      const script = new TcpScript()
      script.handshake()
      script.master(1011, 5001, 'next')
      script.master(1020, 5001, 'last')
      expect(all(script).slice(1)).to.deep.equal([
        'end stream-gap 0 > 10 missing',
        "4 stream-data 0 > 'next'",
        'end stream-gap 0 > 5 missing',
        "5 stream-data 0 > 'last'",
        'end stream-close 0 end-of-capture',
      ])
    })

    it('reports what the snap length cut off as a gap, and goes on behind it', () => {
      const script = new TcpScript()
      script.handshake()
      const frame = script.frame(
        true,
        { sequence: 1001, acknowledgement: 5001 },
        new TextEncoder().encode('abcdefghij'),
      )
      script.sequence.add(frame.subarray(0, frame.length - 6), 1, frame.length)
      script.master(1001, 5001, 'abcdefghij')
      script.master(1011, 5001, 'klm')
      expect(data(script)).to.deep.equal([
        "4 stream-data 0 > 'abcd'",
        '4 stream-gap 0 > 6 missing',
        "6 stream-data 0 > 'klm'",
      ])
    })
  })

  describe('streams met in mid-life', () => {
    it('starts with the first segment and takes the lower port for the server', () => {
      const script = new TcpScript()
      script.device(5001, 1001, 'value')
      script.master(1001, 5006, 'read')
      expect(all(script).slice(0, 3)).to.deep.equal([
        '1 stream-open 0 10.0.0.1:49152 -> 10.0.0.2:502 mid-stream',
        "1 stream-data 0 < 'value'",
        "2 stream-data 0 > 'read'",
      ])
    })

    it('believes the configured server ports before the lower one', () => {
      const script = new TcpScript(undefined, { ip: '10.0.0.1', port: 1025 }, { ip: '10.0.0.2', port: 20_000 })
      script.master(1, 1, 'poll')
      expect(all(script, { serverPorts: [20_000] })[0]).to.equal(
        '1 stream-open 0 10.0.0.1:1025 -> 10.0.0.2:20000 mid-stream',
      )
      expect(all(script)[0]).to.equal('1 stream-open 0 10.0.0.2:20000 -> 10.0.0.1:1025 mid-stream')
    })

    it('knows the server by its SYN-ACK when the SYN is missing', () => {
      const script = new TcpScript()
      script.device(5000, 1001, '', 'SA')
      script.master(1001, 5001, 'read')
      expect(all(script).slice(0, 2)).to.deep.equal([
        '1 stream-open 0 10.0.0.1:49152 -> 10.0.0.2:502',
        "2 stream-data 0 > 'read'",
      ])
    })

    it('does not take a keep-alive probe for data', () => {
      const script = new TcpScript()
      script.master(1000, 5001, new Uint8Array(1))
      script.device(5001, 1001)
      script.master(1001, 5001, 'read')
      expect(data(script)).to.deep.equal(["3 stream-data 0 > 'read'"])
    })

    it('does not report the octet before an empty keep-alive probe as missing', () => {
      const script = new TcpScript()
      script.master(1000, 5001)
      script.device(5001, 1001)
      script.master(1001, 5001, 'read')
      expect(data(script)).to.deep.equal(["3 stream-data 0 > 'read'"])
    })
  })

  describe('the same addresses and ports again', () => {
    it('begins a new stream at a SYN with another initial sequence number', () => {
      const script = new TcpScript()
      script.handshake()
      script.master(1001, 5001, 'one')
      script.handshake(70_000, 80_000)
      script.master(70_001, 80_001, 'two')
      expect(all(script)).to.deep.equal([
        '1 stream-open 0 10.0.0.1:49152 -> 10.0.0.2:502',
        "4 stream-data 0 > 'one'",
        '5 stream-close 0 reused',
        '5 stream-open 1 10.0.0.1:49152 -> 10.0.0.2:502',
        "8 stream-data 1 > 'two'",
        'end stream-close 1 end-of-capture',
      ])
    })

    it('does not begin a new stream at a repeated SYN or SYN-ACK', () => {
      const script = new TcpScript()
      script.master(1000, 0, '', 'S')
      script.master(1000, 0, '', 'S')
      script.device(5000, 1001, '', 'SA')
      script.device(5000, 1001, '', 'SA')
      script.master(1001, 5001, 'one')
      expect(all(script).filter((line) => line.includes('stream-open'))).to.have.length(1)
      expect(data(script)).to.deep.equal(["5 stream-data 0 > 'one'"])
    })

    it('begins a new stream at any SYN after a close', () => {
      const script = new TcpScript()
      script.master(1000, 0, '', 'S')
      script.device(0, 1001, '', 'RA')
      script.handshake()
      script.master(1001, 5001, 'now')
      expect(all(script).slice(0, 4)).to.deep.equal([
        '1 stream-open 0 10.0.0.1:49152 -> 10.0.0.2:502',
        '2 stream-close 0 reset',
        '3 stream-open 1 10.0.0.1:49152 -> 10.0.0.2:502',
        "6 stream-data 1 > 'now'",
      ])
    })

    it('begins a new stream at a SYN into a stream met in mid-life', () => {
      const script = new TcpScript()
      script.master(1001, 5001, 'old')
      script.device(777_000, 9001, '', 'SA')
      expect(all(script).slice(2, 4)).to.deep.equal([
        '2 stream-close 0 reused',
        '2 stream-open 1 10.0.0.1:49152 -> 10.0.0.2:502',
      ])
    })

    it('begins a new stream at data far outside any window: the handshake was not captured', () => {
      const script = new TcpScript()
      script.handshake()
      script.master(1001, 5001, 'one')
      script.master(1001 + 0x4000_0000, 5001, 'two')
      expect(all(script).slice(2, 5)).to.deep.equal([
        '5 stream-close 0 reused',
        '5 stream-open 1 10.0.0.1:49152 -> 10.0.0.2:502 mid-stream',
        "5 stream-data 1 > 'two'",
      ])
    })
  })

  describe('reset', () => {
    it('closes the stream after what is held and ignores what comes late', () => {
      const script = new TcpScript()
      script.handshake()
      script.master(1001, 5001, 'abc')
      script.master(1006, 5001, 'fgh')
      script.device(5001, 1004, 'no such service', 'RA')
      script.master(1001, 5001, 'abc')
      script.master(1009, 5001)
      expect(all(script).slice(1)).to.deep.equal([
        "4 stream-data 0 > 'abc'",
        '6 stream-gap 0 > 2 missing',
        "6 stream-data 0 > 'fgh' (carried by 5)",
        '6 stream-close 0 reset',
      ])
    })

    it('is ignored when its sequence number is far outside the window', () => {
      const script = new TcpScript()
      script.handshake()
      script.device(5001 + 0x5000_0000, 0, '', 'R')
      script.master(1001, 5001, 'abc')
      expect(all(script)).to.deep.equal([
        '1 stream-open 0 10.0.0.1:49152 -> 10.0.0.2:502',
        "5 stream-data 0 > 'abc'",
        'end stream-close 0 end-of-capture',
      ])
    })

    it('loses no data when the peers go on all the same', () => {
      const script = new TcpScript()
      script.handshake()
      script.master(1001, 5001, 'abc')
      script.device(5001, 1004, '', 'R')
      script.master(1002, 5001, 'bcdef')
      script.device(5001, 1007, 'xyz')
      expect(all(script).slice(2, 6)).to.deep.equal([
        '5 stream-close 0 reset',
        '6 stream-open 1 10.0.0.1:49152 -> 10.0.0.2:502 mid-stream',
        "6 stream-data 1 > 'def'",
        "7 stream-data 1 < 'xyz'",
      ])
    })
  })

  describe('bounds', () => {
    it('closes the least recently used of more than maxStreams streams', () => {
      const first = new TcpScript()
      first.handshake()
      const second = new TcpScript(first.sequence, { ip: '10.0.0.3', port: 50_000 })
      second.handshake()
      const third = new TcpScript(first.sequence, { ip: '10.0.0.4', port: 50_000 })
      third.handshake()
      expect(all(first, { maxStreams: 2 })).to.deep.equal([
        '1 stream-open 0 10.0.0.1:49152 -> 10.0.0.2:502',
        '4 stream-open 1 10.0.0.3:50000 -> 10.0.0.2:502',
        '7 stream-close 0 evicted',
        '7 stream-open 2 10.0.0.4:50000 -> 10.0.0.2:502',
        'end stream-close 1 end-of-capture',
        'end stream-close 2 end-of-capture',
      ])
    })

    it('knows nothing of an evicted stream when another takes its place', () => {
      const first = new TcpScript()
      first.handshake()
      first.master(1001, 5001, 'abc')
      first.master(1010, 5001, 'held')
      // Met in mid-life, with sequence numbers that the stream before would take for old ones.
      const second = new TcpScript(first.sequence, { ip: '10.0.0.3', port: 50_000 })
      second.master(900, 4000, 'xyz')
      second.device(4000, 903, 'uvw')
      expect(all(second, { maxStreams: 1 })).to.deep.equal([
        '1 stream-open 0 10.0.0.1:49152 -> 10.0.0.2:502',
        "4 stream-data 0 > 'abc'",
        '6 stream-gap 0 > 6 missing',
        "6 stream-data 0 > 'held' (carried by 5)",
        '6 stream-close 0 evicted',
        '6 stream-open 1 10.0.0.3:50000 -> 10.0.0.2:502 mid-stream',
        "6 stream-data 1 > 'xyz'",
        "7 stream-data 1 < 'uvw'",
        'end stream-close 1 end-of-capture',
      ])
    })
  })
})
