import { expect } from 'chai'
import { fromHex, toHex } from '@gridseal/wire'
import { EchoFilter } from '#src/serial/echo-filter.ts'

describe('echo of an RS-485 line', () => {
  const request = '0103 0000 0002 C40B'
  const answer = '0103 04 000A 000B 5A36'
  const passed = (filter: EchoFilter, ...chunks: string[]): string =>
    toHex(Buffer.concat(chunks.map((chunk) => filter.received(fromHex(chunk)))))
  const plain = (hex: string): string => toHex(fromHex(hex))

  it('is taken out, in one piece with the answer or byte by byte', () => {
    const filter = new EchoFilter()
    filter.sent(fromHex(request))
    expect(passed(filter, request + answer)).to.equal(plain(answer))
    filter.sent(fromHex(request))
    const dribble = [...fromHex(request + answer)].map((byte) => toHex(Uint8Array.of(byte)))
    expect(passed(filter, ...dribble)).to.equal(plain(answer))
  })

  it('is taken out of several requests in a row', () => {
    const filter = new EchoFilter()
    filter.sent(fromHex('0102'))
    filter.sent(fromHex('0304'))
    expect(passed(filter, '01', '0203', '0405')).to.equal('05')
  })

  it('is not found where there is none, though the answer begins like the request', () => {
    const filter = new EchoFilter()
    filter.sent(fromHex(request))
    expect(passed(filter, answer)).to.equal(plain(answer))
    filter.sent(fromHex(request))
    expect(passed(filter, '01', '03', '04 000A 000B 5A36')).to.equal(plain(answer))
    expect(passed(filter, request)).to.equal(plain(request))
  })
})
