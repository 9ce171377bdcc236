import { writeFile } from 'node:fs/promises'
import { LINK_TYPE, PcapngWriter } from '@gridseal/pcap'
import { Writer } from '@gridseal/wire'
import { readConversations } from '../src/inspect/conversations.ts'
import type { Conversation } from '../src/replay/conversation.ts'

const ACK = 0x10
const PSH = 0x08
const ETHERTYPE_IPV4 = 0x0800
const TCP = 6

/**
 * Writes a capture as a tap beside a head-end takes it: each TCP conversation of `files` is one connection that goes on
 * and on, its bytes repeated until the capture has `size` bytes. Answers are acknowledged by a segment of their own.
 */
export async function writeLastingConnections(files: readonly string[], size: number, capture: string): Promise<void> {
  const connections: Connection[] = []
  for (const file of files) {
    const { conversations } = await readConversations(file)
    const streams = conversations.filter(({ medium }) => medium === 'stream')
    for (const conversation of streams) connections.push(new Connection(conversation, connections.length))
  }
  const writer = new PcapngWriter()
  let time = 1_700_000_000_000_000_000n
  const chunks: Uint8Array[] = []
  for (let written = 0; written < size;) {
    for (const connection of connections) {
      for (const bytes of connection.next())
        writer.add({ time: (time += 100_000n), bytes, linkType: LINK_TYPE.ETHERNET })
    }
    const chunk = writer.take()
    chunks.push(chunk)
    written += chunk.length
  }
  await writeFile(capture, chunks)
}

/** One TCP connection; sequence numbers go on from round to round. */
class Connection {
  readonly #chunks: Conversation['chunks']
  readonly #number: number
  readonly #port: number
  readonly #sent = { 'to-device': 1, 'to-master': 1 }
  #at = 0

  constructor({ chunks, name }: Conversation, number: number) {
    this.#chunks = chunks
    this.#number = number
    this.#port = Number(/:(\d+)$/.exec(name)?.[1] ?? 0)
  }

  /** The packets of the next chunk. */
  next(): Uint8Array[] {
    const { direction, bytes } = this.#chunks[this.#at++ % this.#chunks.length]!
    const packets = [this.#segment(direction, ACK | PSH, bytes)]
    this.#sent[direction] = (this.#sent[direction] + bytes.length) >>> 0
    if (direction === 'to-master') packets.push(this.#segment('to-device', ACK, new Uint8Array(0)))
    return packets
  }

  /** Ethernet, IPv4 (RFC 791) and TCP (RFC 9293) without check sums, as with offloading. */
  #segment(direction: 'to-device' | 'to-master', flags: number, bytes: Uint8Array): Uint8Array {
    const toDevice = direction === 'to-device'
    const master = 0x0a000001
    const device = 0x0a010000 + this.#number
    const clientPort = 20_001 + this.#number
    const w = new Writer(54 + bytes.length).zeros(12).u16be(ETHERTYPE_IPV4)
    w.u8(0x45)
      .u8(0)
      .u16be(40 + bytes.length)
      .u32be(0)
      .u8(64)
      .u8(TCP)
      .u16be(0)
    w.u32be(toDevice ? master : device).u32be(toDevice ? device : master)
    w.u16be(toDevice ? clientPort : this.#port).u16be(toDevice ? this.#port : clientPort)
    w.u32be(this.#sent[direction]).u32be(this.#sent[toDevice ? 'to-master' : 'to-device'])
    w.u8(0x50).u8(flags).u16be(8192).u32be(0)
    return w.bytes(bytes).finish()
  }
}
