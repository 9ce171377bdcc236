import { expect } from 'chai'
import { codeOf } from './support/code-of.ts'
import { decodeContent } from '#src/record/content.ts'
import { channelPair, collect, settled } from './support/channel-pair.ts'

describe('channel: padding', () => {
  it('gives messages of different lengths the same length on the wire, and control contents too', async () => {
    const { client, server, clientEnd } = await channelPair({ padding: 256, coalesce: false })
    const { messages } = collect(server)
    collect(client)
    const before = clientEnd.written.length
    for (const length of [0, 1, 100, 248]) client.send(1, new Uint8Array(length).fill(length))
    client.send(1, new Uint8Array(249))
    await client.close()
    const lengths = clientEnd.written.slice(before).map((frame) => frame.length - 29)
    expect(lengths).to.deep.equal([256, 256, 256, 256, 512, 256])
    expect(messages.map(({ bytes }) => bytes.length)).to.deep.equal([0, 1, 100, 248, 249])
  })

  it('never makes a message longer than the peer takes', async () => {
    const { client, server } = await channelPair({ padding: 65_536 }, { maxMessage: 3000 })
    const { messages } = collect(server)
    collect(client)
    client.send(1, new Uint8Array(3000))
    client.send(1, new Uint8Array(3))
    client.send(1, new Uint8Array(3000), { ttl: 60_000 })
    await settled()
    expect(messages.map(({ bytes }) => bytes.length)).to.deep.equal([3000, 3, 3000])
    await client.close()
  })

  it('leaves the zeros out of what it hands on, and refuses lengths that point past the end', () => {
    const padded = (length: number, ...rest: number[]): Uint8Array => Uint8Array.of(0x18, 0, 0, 0, length, ...rest)
    expect(decodeContent(padded(4, 0x10, 0, 7, 0xaa, 0, 0))).to.deep.equal({
      kind: 'data',
      port: 7,
      bytes: Uint8Array.of(0xaa),
    })
    expect(decodeContent(padded(1, 0x12, 0))).to.deep.equal({ kind: 'close' })
    for (const wrong of [padded(3, 0x10, 0), padded(0), padded(0, 0x12), padded(6, 0x18, 0, 0, 0, 1, 0x12)]) {
      expect(codeOf(() => decodeContent(wrong))).to.equal('channel.content')
    }
    for (const short of [[0x18], [0x18, 0, 0, 0]]) {
      expect(codeOf(() => decodeContent(Uint8Array.from(short)))).to.equal('channel.content')
    }
  })
})
