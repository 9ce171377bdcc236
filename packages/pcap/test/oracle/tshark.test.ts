import { createHash } from 'node:crypto'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect } from 'chai'
import { CaptureWalker, openCapture, readCapture } from '@gridseal/pcap'
import type { Packet, StreamGapEvent, TcpStream, WalkEvent } from '@gridseal/pcap'
import { toHex } from '@gridseal/wire'
import { SHARED_PCAPS, needFolder, needPeer } from '../../../../test/support/requirements.ts'
import { FIXTURE_FOLDER } from '../support/fixtures.ts'
import type { FollowedStream, TsharkPacket } from '../support/tshark.ts'
import { mergecap, runTshark } from '../support/tshark.ts'

/** One capture as tshark reads it and as we do. */
interface Comparison {
  readonly name: string
  readonly theirs: readonly TsharkPacket[]
  readonly followed: readonly FollowedStream[]
  readonly ours: readonly Packet[]
  readonly events: readonly WalkEvent[]
}

async function compare(path: string, name = basename(path)): Promise<Comparison> {
  const ours: Packet[] = []
  const events: WalkEvent[] = []
  const walker = new CaptureWalker()
  for await (const packets of openCapture(path, { chunkSize: 10_000 })) {
    ours.push(...packets)
    events.push(...walker.pushAll(packets))
  }
  events.push(...walker.finish())
  const streams = events.filter((event) => event.kind === 'stream-open').length
  const { packets: theirs, followed } = runTshark(path, streams)
  return { name, theirs, followed, ours, events }
}

/**
 * Puts captures together that have no TCP connection in common, so that a few runs of tshark serve them all. Captures
 * with the same content count once.
 */
function groupsWithoutCommonStreams(captures: readonly string[]): string[][] {
  const groups: { files: string[]; streams: Set<string> }[] = []
  const seen = new Set<string>()
  for (const file of captures) {
    const bytes = readFileSync(file)
    const digest = createHash('sha256').update(bytes).digest('hex')
    if (seen.has(digest)) continue
    seen.add(digest)
    const streams = new Set<string>()
    for (const event of new CaptureWalker().pushAll(readCapture(bytes).packets)) {
      if (event.kind !== 'stream-open') continue
      streams.add([event.stream.client.text, event.stream.server.text].sort().join(' '))
    }
    const group = groups.find((candidate) => [...streams].every((stream) => !candidate.streams.has(stream)))
    if (group === undefined) groups.push({ files: [file], streams })
    else {
      group.files.push(file)
      for (const stream of streams) group.streams.add(stream)
    }
  }
  return groups.map((group) => group.files)
}

/** A capture whose headers were changed at random: what its streams contain is anybody's guess. */
const FUZZED = 'iti_fuzz_72.pcap'

function checksAgainst(comparisons: () => readonly Comparison[]): void {
  it('reads number, time and lengths of each packet as tshark does', () => {
    for (const { name, theirs, ours } of comparisons()) {
      const summary = (n: number, time: bigint, length: number, captured: number): string =>
        `${name} ${n} ${time} ${length} ${captured}`
      const numbers = new Set(ours.map((packet) => packet.number))
      const rows = theirs.filter((row) => numbers.has(row.number))
      expect(
        ours.map((packet) => summary(packet.number, packet.time, packet.originalLength, packet.length)),
      ).to.deep.equal(rows.map((row) => summary(row.number, row.time, row.length, row.captured)))
      const others = theirs.filter((row) => !numbers.has(row.number)).map((row) => row.number)
      expect(others, `${name}: frames that are not packets`).to.deep.equal(name === 'sections.pcapng' ? [4, 5, 6] : [])
    }
  })

  it('finds the same UDP datagrams', () => {
    for (const { name, theirs, events } of comparisons()) {
      const expected = theirs
        .filter((row) => row.udpPayload !== '')
        .map((row) => `${name} ${row.number} ${row.udpPayload}`)
      const found = events
        .filter((event) => event.kind === 'datagram' && event.bytes.length > 0)
        .map((event) => event.kind === 'datagram' && `${name} ${event.packet.number} ${toHex(event.bytes)}`)
      expect(found).to.deep.equal(expected)
    }
  })

  it('delivers the data of each TCP segment as carried by its packet, unless it was sent before', () => {
    for (const { name, theirs, events } of comparisons()) {
      const carried = new Map<number, string>()
      for (const event of events) {
        if (event.kind !== 'stream-data') continue
        carried.set(event.carrier.number, (carried.get(event.carrier.number) ?? '') + toHex(event.bytes))
      }
      const wrong = newSegments(theirs).filter((row) => carried.get(row.number) !== row.tcpPayload)
      expect(wrong, name).to.deep.equal([])
      const payloads = new Set(theirs.filter((row) => row.tcpPayload !== '').map((row) => row.number))
      expect(
        [...carried.keys()].filter((number) => !payloads.has(number)),
        name,
      ).to.deep.equal([])
    }
  })

  it('puts streams together as Follow TCP Stream does', () => {
    let compared = 0
    for (const { name, theirs, followed, events } of comparisons()) {
      const sent = contentByTsharkStream(theirs, events)
      for (const [index, stream] of followed.entries()) {
        for (const side of [0, 1] as const) {
          const content = sent.get(`${index} ${stream.ends[side].replace(/[[\]]/g, '')}`) ?? ''
          if (stream.sent[side] === '00' && content === '') continue
          expect(content, `${name}: stream ${index} from ${stream.ends[side]}`).to.equal(stream.sent[side])
          compared++
        }
      }
    }
    expect(compared).to.be.greaterThan(0)
  })

  it('sees the same link-layer frames', () => {
    for (const { name, theirs, events } of comparisons()) {
      const rows = new Map(theirs.map((row) => [row.number, row]))
      for (const event of events) {
        if (event.kind !== 'ethernet' || event.etherType < 1536) continue
        const row = rows.get(event.packet.number)
        const type = `0x${event.etherType.toString(16).padStart(4, '0')}`
        expect(row?.etherTypes.at(-1) ?? type, `${name} ${event.packet.number}`).to.equal(type)
        expect(row?.macSource).to.equal(event.source)
        expect(row?.macDestination).to.equal(event.destination)
        expect(row?.vlans).to.equal(event.vlans.map((tag) => tag.id).join())
      }
    }
  })
}

/** The segments with data that goes on at, or behind, everything the same end sent before in the stream. */
function newSegments(theirs: readonly TsharkPacket[]): TsharkPacket[] {
  const ends = new Map<string, number>()
  return theirs.filter((row) => {
    if (row.tcpPayload === '') return false
    const key = `${row.stream} ${row.tcpSender}`
    const end = ends.get(key)
    const next = row.tcpSequence + row.tcpPayload.length / 2
    if (end === undefined || ((next - end) | 0) > 0) ends.set(key, next)
    if (end !== undefined && ((row.tcpSequence - end) | 0) < 0) return false
    // In mid-stream, tshark takes the zero octet of a keep-alive probe for data; we do not.
    return end !== undefined || row.tcpPayload !== '00'
  })
}

/** Hex of what each end sent, by tshark's stream number and end; one stream of tshark may be several of ours. */
function contentByTsharkStream(theirs: readonly TsharkPacket[], events: readonly WalkEvent[]): Map<string, string> {
  const streamOf = new Map(theirs.map((row) => [row.number, row.stream]))
  const numbers = new Map<TcpStream, string>()
  const content = new Map<string, string>()
  for (const event of events) {
    if (event.kind === 'stream-open') numbers.set(event.stream, streamOf.get(event.packet.number) ?? '')
    if (event.kind !== 'stream-data' && event.kind !== 'stream-gap') continue
    const { client, server } = event.stream
    const end = event.direction === 'client-to-server' ? client : server
    const key = `${numbers.get(event.stream)} ${end.text.replace(/[[\]]/g, '')}`
    content.set(key, (content.get(key) ?? '') + toHex(event.kind === 'stream-data' ? event.bytes : gapMark(event)))
  }
  return content
}

/** What Follow TCP Stream writes into the content for bytes that were not captured; nothing for a cut packet. */
function gapMark(gap: StreamGapEvent): Uint8Array {
  const isCut = gap.packet !== undefined && gap.packet.originalLength > gap.packet.length
  return new TextEncoder().encode(isCut ? '' : `[${gap.missing} bytes missing in capture file]\0`)
}

describe('tshark as the judge', function () {
  this.timeout(120_000)

  describe('of the captures in fixtures/pcap', () => {
    const comparisons: Comparison[] = []
    before(async function () {
      needPeer(this, 'tshark')
      for (const path of globSync(join(FIXTURE_FOLDER, '*.pcap*')).sort()) {
        if (!path.endsWith('.txt')) comparisons.push(await compare(path))
      }
      expect(comparisons).to.have.length.greaterThan(5)
    })
    checksAgainst(() => comparisons)
  })

  describe('of all captures in the shared folder', () => {
    const comparisons: Comparison[] = []
    let folder: string | undefined
    before(async function () {
      needFolder(this, SHARED_PCAPS)
      needPeer(this, 'tshark', 'mergecap')
      folder = mkdtempSync(join(tmpdir(), 'gridseal-pcap-'))
      const captures = globSync(join(SHARED_PCAPS, '**/*.{pcap,pcapng}')).sort()
      const groups = groupsWithoutCommonStreams(captures.filter((path) => basename(path) !== FUZZED))
      for (const [index, files] of groups.entries()) {
        const merged = join(folder, `${index}.pcapng`)
        mergecap(files, merged)
        comparisons.push(await compare(merged, `group ${index}`))
      }
      expect(comparisons.flatMap((comparison) => comparison.ours)).to.have.length.greaterThan(1000)
    })
    after(() => {
      if (folder !== undefined) rmSync(folder, { recursive: true })
    })
    checksAgainst(() => comparisons)
  })
})
